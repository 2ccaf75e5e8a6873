/**
 * Artifacts as folders on this machine, shared by its processes. A folder appears whole or not at all: it is written beside
 * its place and renamed, so that a kill in between leaves only a draft, which somebody removes an hour later. Its files are
 * hashed when they are written and once in each process that uses them. The folders longest unused go when all together are
 * larger than the limit. Proven by artifact-cache.spec.ts and test/medium/artifacts.spec.ts.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '@app/config';
import { dataDirectory } from '@app/persistence';
import { InferenceError } from '../errors.js';
import type { ArtifactFile } from './manifest.js';

const DRAFT = '.draft';
/** Longer than any download: a draft this old belongs to nobody any more. */
const DRAFT_AGE_MS = 3_600_000;
/** Somebody may be loading a folder that was asked for so recently. */
const IN_USE_MS = 600_000;

type Content = (sha256: string) => AsyncIterable<Uint8Array>;

@Injectable()
export class ArtifactCache {
  private readonly checked = new Set<string>();
  private readonly underWay = new Map<string, Promise<string>>();

  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /**
   * The folder with exactly these files, their digests checked.
   * @throws InferenceError ARTIFACT_CONTENT_BROKEN
   */
  async folder(artifactDigest: string, files: readonly ArtifactFile[], content: Content): Promise<string> {
    const known = this.underWay.get(artifactDigest);
    if (known) return known;
    const work = this.provide(artifactDigest, files, content).finally(() =>
      this.underWay.delete(artifactDigest),
    );
    this.underWay.set(artifactDigest, work);
    return work;
  }

  private async provide(
    artifactDigest: string,
    files: readonly ArtifactFile[],
    content: Content,
  ): Promise<string> {
    const root = this.root();
    const place = join(root, artifactDigest);
    if (!(await this.isSound(place, artifactDigest, files)))
      await this.fetch(root, artifactDigest, files, content);
    const now = new Date();
    // Removed by another process in this moment: the next reader fetches it again.
    await utimes(place, now, now).catch(() => undefined);
    await this.evict(root, artifactDigest);
    return place;
  }

  private root(): string {
    return this.config.LACUNA_ARTIFACT_CACHE ?? join(dataDirectory(this.config).path, 'artifacts');
  }

  private async isSound(place: string, digest: string, files: readonly ArtifactFile[]): Promise<boolean> {
    try {
      for (const { path, sizeBytes, sha256 } of files) {
        const file = join(place, path);
        if ((await stat(file)).size !== sizeBytes) return false;
        if (!this.checked.has(digest) && (await digestOf(file)) !== sha256) return false;
      }
      this.checked.add(digest);
      return true;
    } catch (error) {
      if (isAbsent(error)) return false;
      throw error;
    }
  }

  /** A folder that is there by now and sound stays: another process may be loading it this moment. */
  private async fetch(
    root: string,
    artifactDigest: string,
    files: readonly ArtifactFile[],
    content: Content,
  ): Promise<void> {
    const place = join(root, artifactDigest);
    const draft = draftIn(root);
    await mkdir(draft, { recursive: true, mode: 0o700 });
    try {
      for (const file of files) await write(join(draft, file.path), file, content(file.sha256));
      this.checked.delete(artifactDigest);
      while (!(await moved(draft, place))) {
        if (await this.isSound(place, artifactDigest, files)) return;
        await discard(root, place);
      }
      this.checked.add(artifactDigest);
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  }

  private async evict(root: string, needed: string): Promise<void> {
    const now = Date.now();
    const folders: { path: string; usedAt: number; bytes: number }[] = [];
    for (const name of await readdir(root)) {
      const path = join(root, name);
      const usedAt = (await stat(path).catch(() => null))?.mtimeMs;
      if (usedAt === undefined) continue;
      if (name.endsWith(DRAFT)) {
        if (now - usedAt > DRAFT_AGE_MS) await rm(path, { recursive: true, force: true });
      } else folders.push({ path, usedAt: name === needed ? Infinity : usedAt, bytes: await bytesIn(path) });
    }
    let total = folders.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { path, usedAt, bytes } of folders.sort((one, other) => one.usedAt - other.usedAt)) {
      if (total <= this.config.LACUNA_ARTIFACT_CACHE_BYTES || now - usedAt < IN_USE_MS) return;
      await rm(path, { recursive: true, force: true });
      total -= bytes;
    }
  }
}

const draftIn = (root: string): string => join(root, `${randomBytes(8).toString('hex')}${DRAFT}`);

/** False where the place is taken. */
async function moved(draft: string, place: string): Promise<boolean> {
  try {
    await rename(draft, place);
    return true;
  } catch (error) {
    if (isTaken(error)) return false;
    throw error;
  }
}

/** Out of its place in one step, so that nobody finds half of it there. */
async function discard(root: string, place: string): Promise<void> {
  const draft = draftIn(root);
  await rename(place, draft).catch((error: unknown) => {
    if (!isAbsent(error)) throw error; // another process did it
  });
  await rm(draft, { recursive: true, force: true });
}

async function write(path: string, file: ArtifactFile, content: AsyncIterable<Uint8Array>): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const hash = createHash('sha256');
  const handle = await open(path, 'wx', 0o600);
  try {
    for await (const bytes of content) {
      hash.update(bytes);
      await handle.appendFile(bytes);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  if (hash.digest('hex') === file.sha256) return;
  throw new InferenceError(
    'ARTIFACT_CONTENT_BROKEN',
    'a stored file of the artifact is not what was uploaded; run `lacuna audit`',
  );
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

async function bytesIn(folder: string): Promise<number> {
  let bytes = 0;
  try {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
      if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
  } catch (error) {
    if (!isAbsent(error)) throw error; // removed meanwhile: counts no more
  }
  return bytes;
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : '';
const isAbsent = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(codeOf(error));
const isTaken = (error: unknown): boolean => ['ENOTEMPTY', 'EEXIST'].includes(codeOf(error));
