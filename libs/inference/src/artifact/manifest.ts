/**
 * What names an artifact: the SHA-256 of its manifest, canonical JSON (RFC 8785) of
 * `{ declaration, files: [{ path, sizeBytes, sha256 }] }` with the files in order of their paths, code unit by code unit.
 * Anyone who has the files can compute it. Proven by test/medium/artifacts.spec.ts.
 */
import { createHash } from 'node:crypto';
import { canonicalJson } from '@app/tlog';
import type { ArtifactDeclaration } from '../runtime.js';

export interface ArtifactFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** Lowercase hex. */
  readonly sha256: string;
}

export interface Manifest {
  readonly declaration: ArtifactDeclaration;
  /** Empty for endpoints. */
  readonly files: readonly ArtifactFile[];
}

export function formatManifest({ declaration, files }: Manifest): string {
  const ordered = [...files]
    .map(({ path, sizeBytes, sha256 }) => ({ path, sizeBytes, sha256 }))
    .sort((one, other) => (one.path < other.path ? -1 : 1));
  return canonicalJson({ declaration, files: ordered });
}

/** The manifest in a text that {@link formatManifest} made. */
export const parseManifest = (text: string): Manifest => JSON.parse(text) as Manifest;

/** The artifact's digest, lowercase hex. */
export const manifestDigest = (text: string): string =>
  createHash('sha256').update(text, 'utf8').digest('hex');
