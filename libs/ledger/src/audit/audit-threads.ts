/**
 * Threads that audit chunks, each over a connection of its own and all over one snapshot of the database: what is appended
 * meanwhile is seen by none of them. A thread that fails fails the audit.
 */
import { availableParallelism } from 'node:os';
import type { DatabaseAddress } from '@app/persistence';
import { compiledThread } from '@app/threads';

export interface AuditThreads {
  readonly address: DatabaseAddress;
  readonly count: number;
  /** The compiled chunk-thread. */
  readonly file: string;
}

/** What a thread is started with. */
export interface ThreadStart {
  readonly address: DatabaseAddress;
  /** As `pg_export_snapshot` names it. */
  readonly snapshot: string;
}

/** One thread a core; null where the program runs from its sources. */
export function auditThreads(address: DatabaseAddress): AuditThreads | null {
  const file = compiledThread(import.meta.url, new URL('./chunk-thread.js', import.meta.url));
  return file === null ? null : { address, count: availableParallelism(), file };
}
