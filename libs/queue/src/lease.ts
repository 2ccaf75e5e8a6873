/**
 * How long a job belongs to the process that works on it. A lease ends by itself, so that a dead process's job comes back
 * soon; a living one keeps it as long as the work gets on. Proven by lease.spec.ts.
 */
import { setTimeout as delay } from 'node:timers/promises';

/** A lease is kept three times before it would end: two lost messages do not lose the job. */
const KEEPS = 3;

export class Lease {
  private ends: number;
  private progressAt: number;
  private readonly over = new AbortController();

  /**
   * @param leaseMs until somebody else gets the job
   * @param patienceSeconds how long the work may go on without progress; undefined: the lease is never extended
   */
  constructor(
    private readonly leaseMs: number,
    private readonly patienceSeconds?: number,
  ) {
    this.progressAt = Date.now();
    this.ends = this.progressAt + leaseMs;
  }

  /** The job may be somebody else's by now. */
  get isOver(): boolean {
    return Date.now() >= this.ends;
  }

  /** The work got on. */
  progress(): void {
    this.progressAt = Date.now();
  }

  /** The queue has heard that the work goes on. */
  extend(): void {
    this.ends = Date.now() + this.leaseMs;
  }

  end(): void {
    this.over.abort();
  }

  /** Waits until the lease should be kept again. @returns false when the work has ended or does not get on */
  async nextKeep(): Promise<boolean> {
    await this.wait(this.leaseMs / KEEPS);
    return !this.over.signal.aborted && Date.now() - this.progressAt < (this.patienceSeconds ?? 0) * 1000;
  }

  /** Settles as `work` does, or rejects when the lease is over: a handler that hangs must not hold its lane for ever. */
  async during(work: () => Promise<void>): Promise<void> {
    try {
      await Promise.race([work(), this.late()]);
    } finally {
      this.end();
    }
  }

  private async late(): Promise<void> {
    while (!this.isOver && !this.over.signal.aborted) await this.wait(this.ends - Date.now());
    if (this.over.signal.aborted) return;
    throw new Error(`the job was not done within its lease of ${this.leaseMs} ms`);
  }

  private async wait(ms: number): Promise<void> {
    await delay(Math.max(0, ms), undefined, { signal: this.over.signal }).catch(() => undefined);
  }
}
