/** Watches the resident memory of a process and calls back, once, when it has grown over a limit. */
import { execFile } from 'node:child_process';
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { promisify } from 'node:util';

/** A model fills a gibibyte in some 300 ms: at this pace it is stopped within half of one above its limit. */
const PROC_INTERVAL_MS = 100;
/** Where there is no /proc, looking costs a process. */
const PS_INTERVAL_MS = 1_000;
/** More than `/proc/<pid>/status` has up to the line that is looked for. */
const STATUS = Buffer.alloc(4096);
const KIBIBYTES_PER_MEBIBYTE = 1024;

/** @returns ends the watch */
export function watchMemory(pid: number, limitMb: number, onExceeded: (usedMb: number) => void): () => void {
  const fromProc = existsSync('/proc/self/status');
  const read = fromProc ? residentFromProc : residentFromPs;
  let watching = true;
  const timer = setInterval(
    () => {
      read(pid).then(
        (usedKb) => {
          const usedMb = usedKb / KIBIBYTES_PER_MEBIBYTE;
          if (usedMb <= limitMb || !watching) return;
          stop();
          onExceeded(usedMb);
        },
        // It has ended, which its owner hears of by itself.
        () => undefined,
      );
    },
    fromProc ? PROC_INTERVAL_MS : PS_INTERVAL_MS,
  );
  const stop = (): void => {
    watching = false;
    clearInterval(timer);
  };
  return stop;
}

/** Read at once, into the same memory each time: no disk is behind it, and a look costs less than its way to another thread. */
function residentFromProc(pid: number): Promise<number> {
  return new Promise((resolve) => {
    const file = openSync(`/proc/${pid}/status`, 'r');
    try {
      const text = STATUS.toString('latin1', 0, readSync(file, STATUS));
      resolve(Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0));
    } finally {
      closeSync(file);
    }
  });
}

async function residentFromPs(pid: number): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)]);
  return Number(stdout.trim());
}
