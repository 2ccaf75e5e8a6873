/**
 * An upload becomes files in a draft folder: one file, or the members of a tar archive, gzip or not. Members are files and
 * folders with plain names; links, devices, absolute paths, ways out of the folder, names that collide, too many files
 * and too many bytes (counted as they come out, so that a small archive cannot fill the disk) are refused with a code.
 * Files are named by their number in the draft, never by what the archive calls them. Proven by unpack.spec.ts.
 */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { extract, type Header } from 'tar-stream';
import { InferenceError } from '../errors.js';
import { decompress } from '../text/decompress.js';
import type { TextFaults } from '../text/text-faults.js';
import { isArtifactPath, pathKey } from './artifact-path.js';
import type { ArtifactFile } from './manifest.js';

/** A model of one file for each layer has hundreds; each file costs a row and an inode. */
const MAX_FILES = 10_000;
/** Headers and padding of an archive of that many files. */
const MAX_OVERHEAD_BYTES = MAX_FILES * 4096;

type Bytes = AsyncIterable<Uint8Array>;

type Member = Bytes & { readonly header: Header };

/** A file of the artifact and where its bytes are for now. */
export interface DraftFile extends ArtifactFile {
  readonly draft: string;
}

export interface UnpackLimits {
  /** Most bytes of all files together. */
  readonly maxBytes: number;
}

/**
 * @param folder an empty folder that belongs to the caller, who removes it
 * @throws InferenceError ARTIFACT_TOO_LARGE
 */
export async function keepFile(
  bytes: Bytes,
  path: string,
  folder: string,
  { maxBytes }: UnpackLimits,
): Promise<DraftFile> {
  return writeDraft(bytes, { path, folder, number: 0, maxBytes });
}

/**
 * @param folder an empty folder that belongs to the caller, who removes it
 * @throws InferenceError ARTIFACT_ARCHIVE_UNSAFE, ARTIFACT_ARCHIVE_BROKEN, ARTIFACT_TOO_LARGE
 */
export async function unpackArchive(
  bytes: Bytes,
  folder: string,
  limits: UnpackLimits,
): Promise<DraftFile[]> {
  const archive = extract();
  const members = archive[Symbol.asyncIterator]() as AsyncIterator<Member>;
  const source = Readable.from(bytes);
  const piping = feed(source, archive, limits.maxBytes + MAX_OVERHEAD_BYTES);
  try {
    return await readMembers(members, folder, limits);
  } catch (error) {
    if (error instanceof InferenceError) throw error;
    throw archiveFault(error);
  } finally {
    source.destroy();
    archive.destroy(new Error('closed'));
    await piping;
  }
}

/** Pushes the archive through; what goes wrong reaches whoever reads the members. */
async function feed(source: Readable, archive: ReturnType<typeof extract>, maxBytes: number): Promise<void> {
  try {
    for await (const chunk of decompress(source as Bytes, { maxBytes, faults })) {
      if (archive.destroyed) return;
      if (!archive.write(chunk)) await drained(archive);
    }
    archive.end(null);
  } catch (error) {
    archive.destroy(error as Error);
  }
}

function drained(archive: ReturnType<typeof extract>): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      archive.off('drain', done);
      archive.off('close', done);
      resolve();
    };
    archive.on('drain', done);
    archive.on('close', done);
  });
}

async function readMembers(
  members: AsyncIterator<Member>,
  folder: string,
  { maxBytes }: UnpackLimits,
): Promise<DraftFile[]> {
  const files: DraftFile[] = [];
  const names = new MemberNames();
  let left = maxBytes;
  for (let next = await members.next(); !next.done; next = await members.next()) {
    const path = names.take(next.value.header);
    if (path === null) {
      for await (const chunk of next.value) if (chunk.length > 0) throw unsafe('a folder with content');
      continue;
    }
    if (files.length === MAX_FILES) throw unsafe(`more than ${MAX_FILES} files`);
    const file = await writeDraft(next.value, { path, folder, number: files.length, maxBytes: left });
    left -= file.sizeBytes;
    files.push(file);
  }
  if (files.length === 0) throw new InferenceError('ARTIFACT_ARCHIVE_BROKEN', 'the archive holds no file');
  return files;
}

/** Takes the names of members in order; two that would be one file are refused. */
class MemberNames {
  private readonly files = new Set<string>();
  private readonly folders = new Set<string>();

  /** The path of a file, null for a folder. @throws InferenceError ARTIFACT_ARCHIVE_UNSAFE */
  take({ name, type }: Header): string | null {
    const isFolder = type === 'directory';
    if (!isFolder && type !== 'file' && type !== 'contiguous-file')
      throw unsafe(`a member of type ${String(type)}; only files and folders are taken`);
    // `tar -C folder .` begins every name with "./", and names folders with a slash at the end.
    const path = name.replace(/^(\.\/)+/, '').replace(isFolder ? /\/+$/ : /$^/, '');
    if (isFolder && (path === '' || path === '.')) return null;
    if (!isArtifactPath(path))
      throw unsafe('a member whose path is absolute, leads out of the archive or holds forbidden characters');
    const key = pathKey(path);
    const parents = key
      .split('/')
      .slice(0, -1)
      .map((_, at, parts) => parts.slice(0, at + 1).join('/'));
    for (const parent of parents) this.addFolder(parent);
    if (isFolder) {
      this.addFolder(key);
      return null;
    }
    if (this.files.has(key) || this.folders.has(key)) throw unsafe('two members of one name');
    this.files.add(key);
    return path;
  }

  private addFolder(key: string): void {
    if (this.files.has(key)) throw unsafe('a member that is both file and folder');
    this.folders.add(key);
  }
}

async function writeDraft(
  bytes: Bytes,
  { path, folder, number, maxBytes }: { path: string; folder: string; number: number; maxBytes: number },
): Promise<DraftFile> {
  const draft = join(folder, String(number));
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const file = await open(draft, 'wx', 0o600);
  try {
    for await (const chunk of bytes) {
      sizeBytes += chunk.length;
      if (sizeBytes > maxBytes) throw tooLarge();
      hash.update(chunk);
      await file.appendFile(chunk);
    }
  } finally {
    await file.close();
  }
  return { path, sizeBytes, sha256: hash.digest('hex'), draft };
}

/** tar-stream speaks of the archive's form only; errors of the line and the disk have codes of their own. */
function archiveFault(error: unknown): unknown {
  if (error instanceof Error && 'code' in error) return error;
  return brokenArchive(error);
}

const brokenArchive = (cause: unknown): InferenceError =>
  new InferenceError('ARTIFACT_ARCHIVE_BROKEN', 'the upload is no whole tar archive', { cause });

const unsafe = (what: string): InferenceError =>
  new InferenceError('ARTIFACT_ARCHIVE_UNSAFE', `the archive holds ${what}; nothing was kept`);

const tooLarge = (): InferenceError =>
  new InferenceError(
    'ARTIFACT_TOO_LARGE',
    'the files are larger than LACUNA_ARTIFACT_MAX_BYTES allows; raise it, or run the model behind an endpoint',
  );

const faults: Pick<TextFaults, 'tooLarge' | 'compressionBroken'> = {
  tooLarge,
  compressionBroken: brokenArchive,
};
