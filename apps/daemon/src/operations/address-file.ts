/** Where the running daemon is found by the command line when its port was picked: `<data directory>/daemon.json`. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface DaemonAddress {
  readonly pid: number;
  readonly url: string;
}

const pathIn = (directory: string): string => join(directory, 'daemon.json');

export function writeAddressFile(directory: string, address: DaemonAddress): void {
  const draft = `${pathIn(directory)}.${address.pid}.draft`;
  writeFileSync(draft, `${JSON.stringify(address)}\n`);
  renameSync(draft, pathIn(directory));
}

/** Removes the file unless another daemon has written it since. */
export function removeAddressFile(directory: string, pid: number): void {
  try {
    const written = JSON.parse(readFileSync(pathIn(directory), 'utf8')) as DaemonAddress;
    if (written.pid === pid) rmSync(pathIn(directory), { force: true });
  } catch {
    // Absent or not ours: nothing to remove. A reader checks the process id before it trusts the file.
  }
}
