/** Finds and kills the processes of an embedded PostgreSQL, as the kernel or an operator would. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Process id of the postmaster over `dataDirectory`, null where none was ever started. */
export function postmasterPid(dataDirectory: string): number | null {
  const file = join(dataDirectory, 'postgres', 'data', 'postmaster.pid');
  const pid = existsSync(file) ? Number(readFileSync(file, 'utf8').split('\n')[0]) : NaN;
  return Number.isSafeInteger(pid) && pid > 1 ? pid : null;
}

/** Process ids of the server processes that serve connections (Linux only, elsewhere none). */
export function backendPids(dataDirectory: string): number[] {
  const postmaster = postmasterPid(dataDirectory);
  const list = `/proc/${postmaster}/task/${postmaster}/children`;
  if (postmaster === null || !existsSync(list)) return [];
  const children = readFileSync(list, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  return children.filter((pid) => commandOf(pid).startsWith('postgres: lacuna lacuna'));
}

/** SIGKILL; nothing happens where the process is gone already. */
export function killProcess(pid: number | null | undefined): void {
  if (pid === null || pid === undefined) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // ended between the two looks
  }
}
