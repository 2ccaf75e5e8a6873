/** Threads that answer orders, each one at a time, in whatever order they are done. A thread that fails fails them all. */
import { Worker } from 'node:worker_threads';

export interface ThreadPoolOptions {
  /** Compiled file; it calls `serveOrders`. */
  readonly file: string;
  readonly count: number;
  /** What each thread is started with; plain data. */
  readonly workerData?: unknown;
}

interface Waiting<Order, Answer> {
  readonly order: Order;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

export class ThreadPool<Order, Answer> {
  private readonly threads: Worker[];
  private readonly idle: Worker[] = [];
  private readonly waiting: Waiting<Order, Answer>[] = [];
  private readonly working = new Map<Worker, Waiting<Order, Answer>>();
  private failure: Error | null = null;

  constructor({ file, count, workerData }: ThreadPoolOptions) {
    this.threads = Array.from({ length: count }, () => {
      const thread = new Worker(file, { workerData });
      thread.on('message', (answer: Answer) => this.take(thread, answer));
      thread.on('error', (error) => this.fail(error));
      thread.on('exit', () => this.fail(new Error('a thread ended early')));
      return thread;
    });
    this.idle.push(...this.threads);
  }

  /** Rejects with what a thread threw, of this order or another: name, message and code of it, not its class. */
  run(order: Order): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ order, resolve, reject });
      this.next();
    });
  }

  /** Ends the threads; orders that have no answer yet are rejected. */
  async close(): Promise<void> {
    this.fail(new Error('the threads were closed'));
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

  private take(thread: Worker, answer: Answer): void {
    this.working.get(thread)?.resolve(answer);
    this.working.delete(thread);
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
