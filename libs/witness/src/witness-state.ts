/**
 * What a witness has cosigned last, one file for each log, in a directory that one process owns. A new state is on disk
 * and synced before `write` returns: a cosignature that left the process is never forgotten, whatever dies then.
 * Proven by witness.spec.ts.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { WitnessedTree } from '@app/tlog';
import { WitnessError } from './errors.js';

const LOCK = 'lock';

export class WitnessState {
  private constructor(private readonly directory: string) {}

  /** @throws WitnessError `WITNESS_STATE_IN_USE` while another process has it open */
  static open(directory: string): WitnessState {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    takeLock(join(directory, LOCK));
    return new WitnessState(directory);
  }

  close(): void {
    rmSync(join(this.directory, LOCK), { force: true });
  }

  /**
   * The tree of `origin` that was cosigned last.
   * @throws WitnessError `WITNESS_STATE_UNREADABLE` for a damaged file; forgetting it would allow a fork
   */
  read(origin: string): WitnessedTree | undefined {
    const path = this.fileOf(origin);
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw unreadable(path, cause);
    }
    const [storedOrigin, size = '', root = '', end] = text.split('\n');
    const rootHash = new Uint8Array(Buffer.from(root, 'base64'));
    if (storedOrigin !== origin || !/^(0|[1-9]\d*)$/.test(size) || rootHash.length !== 32 || end !== '') {
      throw unreadable(path);
    }
    return { treeSize: BigInt(size), rootHash };
  }

  /** Replaces the state of `origin`; durable when it returns. */
  write(origin: string, { treeSize, rootHash }: WitnessedTree): void {
    const path = this.fileOf(origin);
    const draft = `${path}.draft`;
    const file = openSync(draft, 'w', 0o600);
    writeSync(file, `${origin}\n${treeSize}\n${Buffer.from(rootHash).toString('base64')}\n`);
    fsyncSync(file);
    closeSync(file);
    renameSync(draft, path);
    const directory = openSync(this.directory, 'r');
    fsyncSync(directory);
    closeSync(directory);
  }

  /** Origins hold slashes and come from outside: their digest is the name. */
  private fileOf(origin: string): string {
    return join(this.directory, `${createHash('sha256').update(origin).digest('hex')}.tree`);
  }
}

function unreadable(path: string, cause?: unknown): WitnessError {
  return new WitnessError(
    'WITNESS_STATE_UNREADABLE',
    `${path} is damaged; restore it rather than deleting it, or the log could be cosigned twice`,
    { cause },
  );
}

function takeLock(path: string): void {
  for (;;) {
    try {
      const lock = openSync(path, 'wx', 0o600);
      writeSync(lock, String(process.pid));
      closeSync(lock);
      return;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    }
    const holder = Number(readFileSync(path, 'utf8'));
    if (holder > 0 && isAlive(holder)) {
      throw new WitnessError(
        'WITNESS_STATE_IN_USE',
        `process ${holder} is a witness on the same state; remove ${path} only if that is wrong`,
      );
    }
    // Its owner died without letting go.
    rmSync(path, { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
