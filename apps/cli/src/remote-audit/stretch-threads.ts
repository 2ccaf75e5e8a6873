import { availableParallelism } from 'node:os';
import { compiledThread, ThreadPool } from '@app/threads';
import { CliError } from '../errors.js';
import { auditStretch, type StretchAnswer, type StretchOrder } from './stretch-audit.js';

/** Whoever audits stretches: this thread, or one a core. */
export interface StretchAuditor {
  /** Stretches that may be under way at once. */
  readonly atOnce: number;
  /** @throws CliError `CLI_LOG_UNREACHABLE` */
  audit(order: StretchOrder): Promise<StretchAnswer>;
  close(): Promise<void>;
}

/** @param stretches how many there are to audit; one is done here, for a thread takes as long to start */
export function openStretchAuditor(stretches: number): StretchAuditor {
  const file = compiledThread(import.meta.url, new URL('./stretch-thread.js', import.meta.url));
  if (file === null || stretches === 1)
    return { atOnce: 1, audit: auditStretch, close: () => Promise.resolve() };
  const count = Math.min(availableParallelism(), stretches);
  const pool = new ThreadPool<StretchOrder, StretchAnswer>({ file, count });
  return {
    // Enough that no thread waits for the stretch that is merged next.
    atOnce: 2 * count,
    audit: (order) => pool.run(order).catch(rethrow),
    close: () => pool.close(),
  };
}

/** An error comes out of a thread without its class. */
function rethrow(error: unknown): never {
  const { code, message } = error as { code?: string; message: string };
  if (code !== 'CLI_LOG_UNREACHABLE') throw error;
  throw new CliError('CLI_LOG_UNREACHABLE', message, { cause: error });
}
