/**
 * A model in a process of its own, so that a model which hangs, eats memory or crashes takes down nothing but that process.
 * Batches are answered in order. A few are under way at once, so that the process has the next at hand when it is done with
 * one; the time limit counts from the moment that a batch is first in line. When the process ends, the batch it was at fails with
 * the reason, the ones behind it go to the next process, which is started for them. Proven by isolated-runtime.spec.ts.
 */
import { InferenceError } from '../errors.js';
import type { LocalSource } from '../local/load-local-runtime.js';
import { localOptionsOf } from '../local/local-options.js';
import type { SignalKind } from '../recorded/row-reader.js';
import type { ModelDescription, ModelRuntime, RuntimeOptions, SampleBatch } from '../runtime.js';
import { ModelProcess } from './model-process.js';
import { fromWire, type Reply } from './protocol.js';

/** Batches at the process or on their way: with two there is always one waiting; many more would only hold memory. */
const UNDER_WAY = 3;

/** Start of Node, of the library and of the model, on a busy machine, from a cold disk. */
const LOAD_TIMEOUT_MS = 180_000;

interface Job {
  readonly id: number;
  readonly batch: SampleBatch;
  readonly signalKind: SignalKind;
  readonly resolve: (signals: Float64Array) => void;
  readonly reject: (error: InferenceError) => void;
}

interface Loaded {
  readonly backend: string;
  readonly description: ModelDescription;
}

export class IsolatedRuntime implements ModelRuntime {
  readonly kind: 'onnx' | 'tfjs';
  private process: ModelProcess | null = null;
  private ready = false;
  private loaded: Loaded | null = null;
  private onLoaded: ((failed: InferenceError | null) => void) | null = null;
  private timer: NodeJS.Timeout | null = null;
  /** In order; the first `underWay` of them are at the process. */
  private readonly jobs: Job[] = [];
  private underWay = 0;
  private nextId = 0;
  private disposed = false;

  private constructor(
    private readonly source: LocalSource,
    private readonly options: RuntimeOptions,
  ) {
    this.kind = source.declaration.kind;
  }

  /** @throws InferenceError as loading the model in this process would, and when the new process ends or takes too long */
  static async open(source: LocalSource, options: RuntimeOptions): Promise<IsolatedRuntime> {
    const runtime = new IsolatedRuntime(source, options);
    const failed = await new Promise<InferenceError | null>((resolve) => {
      runtime.onLoaded = resolve;
      runtime.start();
    });
    if (failed) throw failed;
    return runtime;
  }

  get backend(): string {
    return this.loaded!.backend;
  }

  /** Of the process that holds the model now; null where none does. */
  get pid(): number | null {
    return this.process?.pid ?? null;
  }

  describe(): ModelDescription {
    return this.loaded!.description;
  }

  signals(batch: SampleBatch, signalKind: SignalKind): Promise<Float64Array> {
    if (this.disposed) return Promise.reject(disposed());
    return new Promise((resolve, reject) => {
      this.jobs.push({ id: this.nextId++, batch, signalKind, resolve, reject });
      if (!this.process) this.start();
      this.send();
    });
  }

  async dispose(): Promise<void> {
    if (this.disposed) return;
    this.disposed = true;
    const process = this.forgetProcess();
    for (const job of this.jobs.splice(0)) job.reject(disposed());
    await process?.kill();
  }

  private start(): void {
    const first = { type: 'load', source: this.source, options: localOptionsOf(this.options) } as const;
    this.process = new ModelProcess(first, this.options, {
      reply: (reply) => this.onReply(reply),
      end: (error) => this.onEnd(error),
    });
    this.limit(Math.max(LOAD_TIMEOUT_MS, this.options.timeoutMs));
  }

  /** Hands over as many batches as may be under way. */
  private send(): void {
    if (!this.ready) return;
    while (this.underWay < Math.min(UNDER_WAY, this.jobs.length)) {
      const { id, batch, signalKind } = this.jobs[this.underWay]!;
      this.process!.sendBatch(id, batch, signalKind);
      if (this.underWay === 0) this.limit(this.options.timeoutMs);
      this.underWay++;
    }
  }

  private onReply(reply: Reply): void {
    if (reply.type === 'loaded') {
      this.loaded ??= { backend: reply.backend, description: reply.description };
      this.ready = true;
      this.limit(null);
      this.settleLoading(null);
    } else if (reply.type === 'notLoaded') {
      this.giveUp(fromWire(reply.error));
    } else if (reply.type !== 'checked') {
      const job = this.jobs.shift()!;
      this.underWay--;
      this.limit(this.underWay > 0 ? this.options.timeoutMs : null);
      if (reply.type === 'signals') job.resolve(reply.signals);
      else job.reject(fromWire(reply.error));
    }
    this.send();
  }

  /** The process is gone or has to go: the batch it was at is to blame, or loading the model is. */
  private onEnd(error: InferenceError): void {
    if (!this.ready) {
      this.giveUp(error);
      return;
    }
    void this.forgetProcess()?.kill();
    this.jobs.shift()?.reject(error);
    if (this.jobs.length > 0) this.start();
  }

  /** Without a model nobody who waits can be served; whoever asks next makes another try. */
  private giveUp(error: InferenceError): void {
    void this.forgetProcess()?.kill();
    this.settleLoading(error);
    for (const job of this.jobs.splice(0)) job.reject(error);
  }

  private settleLoading(failed: InferenceError | null): void {
    this.onLoaded?.(failed);
    this.onLoaded = null;
  }

  private forgetProcess(): ModelProcess | null {
    const process = this.process;
    this.process = null;
    this.ready = false;
    this.underWay = 0;
    this.limit(null);
    return process;
  }

  private limit(timeoutMs: number | null): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = timeoutMs === null ? null : setTimeout(() => this.onEnd(timedOut(timeoutMs)), timeoutMs);
  }
}

function timedOut(timeoutMs: number): InferenceError {
  return new InferenceError(
    'RUNTIME_TIMEOUT',
    `the model took longer than ${timeoutMs} ms and was stopped; LACUNA_INFERENCE_TIMEOUT_MS sets the limit`,
    { retryable: true, details: { timeoutMs } },
  );
}

function disposed(): InferenceError {
  return new InferenceError('RUNTIME_DISPOSED', 'the runtime was disposed of; open it again');
}
