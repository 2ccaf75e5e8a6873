/**
 * Is every stored artifact what its digest says? Manifests, the rows of their files and the contents are hashed again.
 * Proven by test/medium/artifacts.spec.ts.
 */
import { createHash } from 'node:crypto';
import type { Database } from '@app/persistence';
import { ArtifactRepository } from './artifact.repository.js';
import { formatManifest, manifestDigest, parseManifest } from './manifest.js';

export interface ArtifactFinding {
  readonly log: string;
  readonly index: string;
  readonly field: string;
  readonly problem: string;
}

/** Everything wrong with stored artifacts; one content at a time. */
export async function auditArtifacts(db: Database): Promise<readonly ArtifactFinding[]> {
  const artifacts = new ArtifactRepository(db);
  const findings: ArtifactFinding[] = [];
  const used = new Set<string>();
  for await (const artifactDigest of artifacts.all()) {
    const place = { log: 'artifact', index: artifactDigest };
    const [row] = await artifacts.find([artifactDigest]);
    const manifest = row?.manifest ?? '';
    if (manifestDigest(manifest) !== artifactDigest) {
      findings.push({
        ...place,
        field: 'artifact.manifest',
        problem: 'its SHA-256 is not the artifact digest',
      });
      continue;
    }
    const files = await artifacts.files(artifactDigest);
    for (const { sha256 } of files) used.add(sha256);
    const { declaration } = parseManifest(manifest);
    if (formatManifest({ declaration, files }) !== manifest)
      findings.push({
        ...place,
        field: 'artifact_file.path',
        problem: 'the files are not those of the manifest',
      });
  }
  for (const sha256 of new Set([...used, ...(await artifacts.contents())])) {
    const hash = createHash('sha256');
    for await (const bytes of artifacts.content(sha256)) hash.update(bytes);
    if (hash.digest('hex') !== sha256)
      findings.push({
        log: 'artifact_chunk',
        index: sha256,
        field: 'artifact_chunk.bytes',
        problem: 'does not have its SHA-256',
      });
  }
  return findings;
}
