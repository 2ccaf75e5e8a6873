/**
 * Models as they were uploaded, in the database, where every worker on every machine finds them; and endpoints as they were
 * declared. Identity is content: the same upload again gives the same artifact. Proven by test/medium/artifacts.spec.ts.
 */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '@app/config';
import type { Tx } from '@app/persistence';
import { InferenceError } from '../errors.js';
import type { RuntimeSource } from '../runtime.js';
import { uploadsFolder } from '../uploads-folder.js';
import { ArtifactCache } from './artifact-cache.js';
import { ArtifactRepository, type ArtifactRow } from './artifact.repository.js';
import {
  type ArtifactBinding,
  bindingOf,
  type FilesDeclaration,
  parseEndpointDeclaration,
  parseFilesDeclaration,
} from './declaration.js';
import { formatManifest, type Manifest, manifestDigest, parseManifest } from './manifest.js';
import { type DraftFile, keepFile, unpackArchive } from './unpack.js';

/** Of one row: fewer cost round trips, more cost memory, several times over. */
const CHUNK_BYTES = 1024 * 1024;
const DIGEST = /^[0-9a-f]{64}$/;

export interface Artifact extends Manifest {
  /** SHA-256 of the manifest, lowercase hex. */
  readonly artifactDigest: string;
  readonly binding: ArtifactBinding;
  /** Canonical JSON of declaration and files; the digest is its SHA-256. */
  readonly manifest: string;
  readonly sizeBytes: number;
  readonly storedBy: string;
  readonly storedAt: Date;
}

export interface ArtifactUpload {
  /** `kind`, `entry`, `output`, `outputForm` as the caller gave them. */
  readonly declaration: unknown;
  /** A tar archive, gzip or not; otherwise the one file that `entry` names. */
  readonly isArchive: boolean;
  readonly storedBy: string;
}

@Injectable()
export class ArtifactStore {
  constructor(
    private readonly artifacts: ArtifactRepository,
    private readonly cache: ArtifactCache,
    @Inject(CONFIG) private readonly config: Pick<Config, 'LACUNA_ARTIFACT_MAX_BYTES'>,
  ) {}

  /**
   * Keeps the files of a model, all or nothing.
   * @param bytes the upload, read once
   * @throws InferenceError ARTIFACT_DECLARATION_INVALID, ARTIFACT_ENTRY_MISSING, ARTIFACT_ARCHIVE_UNSAFE,
   *   ARTIFACT_ARCHIVE_BROKEN, ARTIFACT_TOO_LARGE
   */
  async storeFiles(bytes: AsyncIterable<Uint8Array>, upload: ArtifactUpload): Promise<Artifact> {
    const declaration = parseFilesDeclaration(upload.declaration);
    const folder = await mkdtemp(join(await uploadsFolder(), 'artifact-'));
    try {
      const limits = { maxBytes: this.config.LACUNA_ARTIFACT_MAX_BYTES };
      const files = upload.isArchive
        ? await unpackArchive(bytes, folder, limits)
        : [await keepFile(bytes, singleFileName(declaration), folder, limits)];
      refuseMissingEntry(declaration, files);
      return await this.keep({ declaration, files }, upload.storedBy, files);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Keeps the declaration of an endpoint. @throws InferenceError ARTIFACT_DECLARATION_INVALID */
  async storeEndpoint(declaration: unknown, storedBy: string): Promise<Artifact> {
    return this.keep({ declaration: parseEndpointDeclaration(declaration), files: [] }, storedBy, []);
  }

  /** @throws InferenceError ARTIFACT_NOT_FOUND */
  async get(artifactDigest: string): Promise<Artifact> {
    const [artifact] = await this.getMany([artifactDigest]);
    if (artifact) return artifact;
    throw new InferenceError(
      'ARTIFACT_NOT_FOUND',
      'no artifact has this digest; upload it to /v1/artifacts first, or give a recording',
    );
  }

  /** Those of `artifactDigests` that exist, in no particular order. */
  async getMany(artifactDigests: readonly string[]): Promise<readonly Artifact[]> {
    const rows = await this.artifacts.find(artifactDigests.filter((digest) => DIGEST.test(digest)));
    return rows.map(toArtifact);
  }

  /**
   * What a runtime needs to load an artifact: its declaration, and a folder on this machine with its files, whose digests
   * were checked. The folder is shared by all processes of the machine and must not be written to.
   * @throws InferenceError ARTIFACT_NOT_FOUND, ARTIFACT_CONTENT_BROKEN: the stored files are not what was uploaded
   */
  async materialise(artifactDigest: string): Promise<RuntimeSource> {
    const { declaration, files, binding } = await this.get(artifactDigest);
    if (binding === 'endpoint') return { declaration, directory: null };
    const directory = await this.cache.folder(artifactDigest, files, (sha256) =>
      this.artifacts.content(sha256),
    );
    return { declaration, directory };
  }

  private async keep(manifest: Manifest, storedBy: string, drafts: readonly DraftFile[]): Promise<Artifact> {
    const text = formatManifest(manifest);
    const artifactDigest = manifestDigest(text);
    const { files } = parseManifest(text);
    await this.artifacts.transaction(async (tx) => {
      const isNew = await this.artifacts.insert(tx, { artifactDigest, manifest: text, storedBy }, files);
      // One order for everybody: two uploads of the same contents wait for each other instead of for ever.
      const byDigest = new Map(drafts.map((draft) => [draft.sha256, draft]));
      if (isNew)
        for (const sha256 of [...byDigest.keys()].sort()) await this.keepContent(tx, byDigest.get(sha256)!);
    });
    return this.get(artifactDigest);
  }

  private async keepContent(tx: Tx, { sha256, sizeBytes, draft }: DraftFile): Promise<void> {
    if (await this.artifacts.hasContent(tx, sha256)) return;
    const file = await open(draft, 'r');
    try {
      // Also of an empty file there is one part.
      const parts = Math.max(1, Math.ceil(sizeBytes / CHUNK_BYTES));
      for (let part = 0; part < parts; part += 1) {
        const bytes = Buffer.alloc(Math.min(CHUNK_BYTES, sizeBytes - part * CHUNK_BYTES));
        await file.read(bytes, 0, bytes.length, part * CHUNK_BYTES);
        await this.artifacts.insertChunk(tx, sha256, part, bytes);
      }
    } finally {
      await file.close();
    }
  }
}

function singleFileName({ entry }: FilesDeclaration): string {
  if (entry !== '.') return entry;
  throw new InferenceError(
    'ARTIFACT_DECLARATION_INVALID',
    'entry: "." is a folder; send it as a tar archive (content type application/x-tar or application/gzip)',
    { details: { field: 'entry' } },
  );
}

/** The entry is a file of the artifact, or for tfjs a folder that holds some. */
function refuseMissingEntry({ kind, entry }: FilesDeclaration, files: readonly DraftFile[]): void {
  const isFile = files.some(({ path }) => path === entry);
  const isFolder = entry === '.' || files.some(({ path }) => path.startsWith(`${entry}/`));
  if (isFile || (kind === 'tfjs' && isFolder)) return;
  throw new InferenceError('ARTIFACT_ENTRY_MISSING', 'entry names no file of the upload', {
    details: { files: files.length },
  });
}

function toArtifact(row: ArtifactRow): Artifact {
  const { declaration, files } = parseManifest(row.manifest);
  return {
    declaration,
    files,
    manifest: row.manifest,
    artifactDigest: row.artifactDigest,
    binding: bindingOf(declaration),
    sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    storedBy: row.storedBy,
    storedAt: row.storedAt,
  };
}
