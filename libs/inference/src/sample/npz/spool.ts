/**
 * Bytes of an upload on disk, for those that must be read by position. The file has no name from the moment it is there, so
 * that it ends with the process however that ends; and what is written to it is encrypted (AES-256-CTR) under a key that is
 * in memory only, so that an erased sample cannot be found among the freed blocks of a disk. Appended to, then read; nothing is
 * written over, which CTR would not stand. Proven by spool.spec.ts.
 */
import { createCipheriv, randomBytes } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { invariant } from '@app/errors';
import { uploadsFolder } from '../../uploads-folder.js';

const BLOCK_BYTES = 16;
/** Of one read of {@link Spool.stream}. */
const CHUNK_BYTES = 256 * 1024;

export class Spool {
  private readonly key = randomBytes(32);
  private readonly writing = keystream(this.key, 0);
  private file: FileHandle | null = null;
  private written = 0;

  get sizeBytes(): number {
    return this.written;
  }

  async append(bytes: Uint8Array): Promise<void> {
    this.file ??= await namelessFile();
    await this.file.appendFile(this.writing.update(bytes));
    this.written += bytes.length;
  }

  /** The bytes from `start` to `end`, fewer where there are no more; a buffer of their own. */
  async read(start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(Math.max(0, Math.min(end, this.written) - start));
    if (!this.file || bytes.length === 0) return bytes;
    await readFully(this.file, bytes, start);
    bytes.set(keystream(this.key, start).update(bytes));
    return bytes;
  }

  /** The same, piece by piece. */
  async *stream(start: number, end: number): AsyncGenerator<Uint8Array> {
    for (let at = start; at < Math.min(end, this.written); at += CHUNK_BYTES)
      yield await this.read(at, Math.min(at + CHUNK_BYTES, end));
  }

  async close(): Promise<void> {
    await this.file?.close();
  }
}

async function namelessFile(): Promise<FileHandle> {
  const path = join(await uploadsFolder(), randomBytes(16).toString('hex'));
  const file = await open(path, 'wx+', 0o600);
  try {
    await unlink(path);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readFully(file: FileHandle, bytes: Uint8Array, start: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, start + done);
    invariant(bytesRead > 0, 'a spool has all the bytes that were written to it');
    done += bytesRead;
  }
}

/** What bytes from `position` on are encrypted and decrypted with. */
function keystream(key: Uint8Array, position: number) {
  const counter = Buffer.alloc(BLOCK_BYTES);
  counter.writeBigUInt64BE(BigInt(Math.floor(position / BLOCK_BYTES)), BLOCK_BYTES - 8);
  const cipher = createCipheriv('aes-256-ctr', key, counter);
  cipher.update(Buffer.alloc(position % BLOCK_BYTES));
  return cipher;
}
