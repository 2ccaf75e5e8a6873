/**
 * Threads that audit chunks, each over a connection of its own and all over one snapshot of the database: what is appended
 * meanwhile is seen by none of them. A thread that fails fails the audit.
 */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { DatabaseAddress } from '@app/persistence';
import type { ChunkAnswer, ChunkOrder } from './chunk.js';

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

export type ThreadAnswer = { readonly answer: ChunkAnswer } | { readonly failure: string };

/** One thread a core; null where the program runs from its sources, which threads cannot. */
export function auditThreads(address: DatabaseAddress): AuditThreads | null {
  const file = fileURLToPath(new URL('./chunk-thread.js', import.meta.url));
  return existsSync(file) ? { address, count: availableParallelism(), file } : null;
}

interface Waiting {
  readonly order: ChunkOrder;
  resolve(answer: ChunkAnswer): void;
  reject(error: unknown): void;
}

export class ThreadPool {
  private readonly threads: Worker[];
  private readonly idle: Worker[] = [];
  private readonly waiting: Waiting[] = [];
  private readonly working = new Map<Worker, Waiting>();
  private failure: Error | null = null;

  constructor({ address, count, file }: AuditThreads, snapshot: string) {
    const workerData: ThreadStart = { address, snapshot };
    this.threads = Array.from({ length: count }, () => {
      const thread = new Worker(file, { workerData });
      thread.on('message', (message: ThreadAnswer) => this.take(thread, message));
      thread.on('error', (error) => this.fail(error));
      thread.on('exit', () => this.fail(new Error('a thread of the audit ended early')));
      return thread;
    });
    this.idle.push(...this.threads);
  }

  audit(order: ChunkOrder): Promise<ChunkAnswer> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ order, resolve, reject });
      this.next();
    });
  }

  async close(): Promise<void> {
    this.failure ??= new Error('the audit is over');
    await Promise.all(this.threads.map((thread) => thread.terminate()));
  }

  private next(): void {
    if (this.failure) return this.refuseAll(this.failure);
    while (this.idle.length > 0 && this.waiting.length > 0) {
      const [thread, one] = [this.idle.pop()!, this.waiting.shift()!];
      this.working.set(thread, one);
      thread.postMessage(one.order);
    }
  }

  private take(thread: Worker, message: ThreadAnswer): void {
    const one = this.working.get(thread);
    this.working.delete(thread);
    if ('failure' in message) {
      const error = new Error(message.failure);
      one?.reject(error);
      return this.fail(error);
    }
    one?.resolve(message.answer);
    this.idle.push(thread);
    this.next();
  }

  private fail(error: Error): void {
    this.failure ??= error;
    this.refuseAll(this.failure);
  }

  private refuseAll(error: Error): void {
    for (const one of [...this.working.values(), ...this.waiting.splice(0)]) one.reject(error);
    this.working.clear();
  }
}
