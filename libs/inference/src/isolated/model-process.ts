/**
 * One child process with one model: started with a first request, asked, and ended; nothing is decided here. Ended always means killed: it holds
 * nothing that would have to be saved, and a model that hangs would not listen. Proven by isolated-runtime.spec.ts.
 */
import { type ChildProcess, fork } from 'node:child_process';
import type { Writable } from 'node:stream';
import { InferenceError } from '../errors.js';
import type { SignalKind } from '../recorded/row-reader.js';
import type { RuntimeOptions, SampleBatch } from '../runtime.js';
import { headOf, writeBytes } from './batch-bytes.js';
import { childEntry } from './child-entry.js';
import { watchMemory } from './memory-watch.js';
import { BATCH_PIPE, type Reply, type Request } from './protocol.js';

/** Enough of standard error to tell a full heap from other ends. */
const STDERR_CHARACTERS = 4_000;

/** All that a model's process sees of the host's environment: enough to find libraries and devices, and no secret. */
const PASSED_ON = /^(PATH|HOME|TMPDIR|LANG|LD_LIBRARY_PATH|DYLD_LIBRARY_PATH|(CUDA|NVIDIA|VK)_\w+)$/;

interface Listeners {
  readonly reply: (reply: Reply) => void;
  /** Ended by itself, or grew over its memory limit and was killed. */
  readonly end: (error: InferenceError) => void;
}

export class ModelProcess {
  private readonly child: ChildProcess;
  private readonly batches: Writable;
  private readonly unwatch: () => void;
  private stderr = '';
  private ended = false;
  /** Resolves when the process is gone. */
  private readonly gone: Promise<void>;

  constructor(
    first: Request,
    options: RuntimeOptions,
    private readonly on: Listeners,
  ) {
    this.child = fork(childEntry(), [String(process.pid)], {
      serialization: 'advanced',
      execArgv: [`--max-old-space-size=${options.memoryMb}`],
      env: environment(options.threads),
      stdio: ['ignore', 'ignore', 'pipe', 'ipc', 'pipe'],
    });
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr = (this.stderr + text).slice(-STDERR_CHARACTERS);
    });
    this.batches = this.child.stdio[BATCH_PIPE] as Writable;
    this.batches.on('error', ignored);
    this.child.on('message', (reply: Reply) => {
      if (!this.ended) this.on.reply(reply);
    });
    this.gone = new Promise((resolve) => {
      this.child.once('close', (code, signal) => {
        this.end(this.endedByItself(code, signal));
        resolve();
      });
      this.child.once('error', (error) => {
        this.end(processDied(error.message));
        if (this.child.pid === undefined) resolve();
      });
    });
    this.unwatch = watchMemory(this.child.pid ?? 0, options.memoryMb, (usedMb) => {
      this.end(outOfMemory(options.memoryMb, Math.round(usedMb)));
    });
    this.send(first);
  }

  get pid(): number | null {
    return this.child.pid ?? null;
  }

  send(request: Request): void {
    this.child.send(request, ignored);
  }

  /** `batch` must not change until it is answered. */
  sendBatch(id: number, batch: SampleBatch, signalKind: SignalKind): void {
    this.send({ type: 'signals', id, batch: headOf(batch), signalKind });
    writeBytes(this.batches, batch);
  }

  /** Kills it; no listener is called any more. Resolves when it is gone. */
  kill(): Promise<void> {
    this.ended = true;
    this.unwatch();
    this.child.kill('SIGKILL');
    return this.gone;
  }

  private end(error: InferenceError): void {
    if (this.ended) return;
    void this.kill();
    this.on.end(error);
  }

  private endedByItself(code: number | null, signal: NodeJS.Signals | null): InferenceError {
    if (/heap out of memory|bad_alloc/.test(this.stderr)) {
      return new InferenceError('RUNTIME_OUT_OF_MEMORY', 'the model asked for more memory than there is');
    }
    return processDied(signal ?? `status ${code}`);
  }
}

/** What cannot be sent is lost with the process, whose end is reported. */
const ignored = (): void => undefined;

function environment(threads: number): NodeJS.ProcessEnv {
  const passed = Object.entries(process.env).filter(([name]) => PASSED_ON.test(name));
  return {
    ...Object.fromEntries(passed),
    TF_NUM_INTRAOP_THREADS: String(threads),
    TF_NUM_INTEROP_THREADS: '1',
    TF_CPP_MIN_LOG_LEVEL: '3',
  };
}

function outOfMemory(limitMb: number, usedMb: number): InferenceError {
  return new InferenceError(
    'RUNTIME_OUT_OF_MEMORY',
    `the model grew over its memory limit of ${limitMb} MiB and was stopped; LACUNA_INFERENCE_MEMORY_MB sets it`,
    { details: { limitMb, usedMb } },
  );
}

function processDied(exit: string): InferenceError {
  return new InferenceError('RUNTIME_PROCESS_DIED', `the process that ran the model ended (${exit})`, {
    retryable: true,
    details: { exit },
  });
}
