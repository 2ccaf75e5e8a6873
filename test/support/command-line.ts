/** The built `lacuna` as a process of its own, over a data directory. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { projectRoot } from '@app/persistence';

export interface RunningCommand {
  readonly child: ChildProcess;
  /** What it has printed so far. */
  readonly text: { readonly out: string; readonly err: string };
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<[number | null, NodeJS.Signals | null]>;
}

export function startCommand(directory: string, words: readonly string[]): RunningCommand {
  const main = join(projectRoot(), 'dist', 'cli.js');
  const child = spawn(process.execPath, [main, ...words], {
    env: { PATH: process.env['PATH'], LACUNA_DATA_DIR: directory },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (text.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text.err += chunk.toString()));
  return { child, text, ended: once(child, 'close') as RunningCommand['ended'] };
}
