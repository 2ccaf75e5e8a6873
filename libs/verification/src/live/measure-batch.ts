/**
 * Signals of one batch where some samples may break the model: the batch is halved until those samples stand alone, and
 * every other sample keeps its signal. A model that fails on whatever it is given is found early, because each further
 * try may cost a whole time limit. Proven by measure-batch.spec.ts.
 */
import {
  InferenceError,
  type ModelRuntime,
  positionsOf,
  type SampleBatch,
  sampleCount,
  type SignalKind,
  takeSamples,
} from '@app/inference';

/** What a runtime gives for samples; the port's method and nothing else. */
export type SignalGiver = Pick<ModelRuntime, 'kind' | 'signals'>;

export interface MeasuredBatch {
  /** Raw signals `[count]`, NaN exactly where there is a code. */
  readonly values: Float64Array;
  /** Why a sample has no signal, by position; undefined where it has one. */
  readonly codes: readonly (string | undefined)[];
  /**
   * The code with which the model failed on everything it was given and will fail on whatever comes next, at the price of a
   * whole time limit each; null where it works, and where it was these samples that did not fit.
   */
  readonly broken: string | null;
}

/** @throws what the runtime throws and may pass by itself, and what carries no code */
export async function measureBatch(
  runtime: SignalGiver,
  batch: SampleBatch,
  signalKind: SignalKind,
): Promise<MeasuredBatch> {
  const count = sampleCount(batch);
  const values = new Float64Array(count).fill(NaN);
  const codes = new Array<string | undefined>(count).fill(undefined);
  const measurement = new Measurement(runtime, batch, signalKind, values, codes);
  const failure = await measurement.measure(0, count);
  if (failure === null) return { values, codes, broken: null };
  const broken = await measurement.isolate(0, count, failure);
  if (broken !== null) codes.fill(broken);
  return { values, codes, broken: broken !== null && OF_THE_MODEL.has(broken) ? broken : null };
}

class Measurement {
  constructor(
    private readonly runtime: SignalGiver,
    private readonly batch: SampleBatch,
    private readonly signalKind: SignalKind,
    private readonly values: Float64Array,
    private readonly codes: (string | undefined)[],
  ) {}

  /**
   * Runs the samples at positions [from, to).
   * @returns null when each has a signal or a code of its own, otherwise the error that all of them share
   */
  async measure(from: number, to: number): Promise<InferenceError | null> {
    const count = sampleCount(this.batch);
    const part =
      from === 0 && to === count
        ? this.batch
        : takeSamples(
            this.batch,
            Array.from({ length: to - from }, (_, i) => from + i),
          );
    try {
      this.values.set(await this.signalsOf(part), from);
      return null;
    } catch (error: unknown) {
      if (!(error instanceof InferenceError) || mayPass(this.runtime, error)) throw error;
      const positions = positionsOf(error).filter((position) => position < to - from);
      if (positions.length === 0) return error;
      return this.withoutBlamed(from, to, positions, error.code);
    }
  }

  /** Once more where the model's process died: it may have been killed, and the same batch gives the same signals. */
  private async signalsOf(part: SampleBatch): Promise<Float64Array> {
    try {
      return await this.runtime.signals(part, this.signalKind);
    } catch (error) {
      if (!(error instanceof InferenceError) || error.code !== PROCESS_DIED) throw error;
      return this.runtime.signals(part, this.signalKind);
    }
  }

  /** Samples that the runtime names itself are taken out, the others run once more. */
  private async withoutBlamed(
    from: number,
    to: number,
    positions: readonly number[],
    code: string,
  ): Promise<InferenceError | null> {
    for (const position of positions) this.codes[from + position] = code;
    const others = Array.from({ length: to - from }, (_, i) => from + i).filter(
      (position) => this.codes[position] === undefined,
    );
    if (others.length === 0) return null;
    const signals = await measureBatch(this.runtime, takeSamples(this.batch, others), this.signalKind);
    others.forEach((position, i) => {
      this.values[position] = signals.values[i]!;
      this.codes[position] = signals.codes[i];
    });
    return null;
  }

  /**
   * Finds the samples that make [from, to) fail with `failure`.
   * @returns the code of a model that fails on single samples from both ends: then no sample is to blame
   */
  async isolate(from: number, to: number, failure: InferenceError): Promise<string | null> {
    if (to - from === 1) {
      this.codes[from] = failure.code;
      // A batch of one says nothing about the model.
      return null;
    }
    const first = await this.measure(from, from + 1);
    const last = await this.measure(to - 1, to);
    if (first !== null && last !== null) return failure.code;
    if (first !== null) this.codes[from] = first.code;
    if (last !== null) this.codes[to - 1] = last.code;
    await this.halve(from + 1, to - 1);
    return null;
  }

  private async halve(from: number, to: number): Promise<void> {
    if (to <= from) return;
    const failure = await this.measure(from, to);
    if (failure === null) return;
    if (to - from === 1) {
      this.codes[from] = failure.code;
      return;
    }
    const middle = Math.floor((from + to) / 2);
    await this.halve(from, middle);
    await this.halve(middle, to);
  }
}

/** What a model does here it will do again on the next machine; an endpoint may be slow for a while. */
const PROCESS_DIED = 'RUNTIME_PROCESS_DIED';
const OF_THE_MODEL = new Set(['RUNTIME_TIMEOUT', 'RUNTIME_OUT_OF_MEMORY', PROCESS_DIED]);

function mayPass({ kind }: SignalGiver, { code, retryable }: InferenceError): boolean {
  const local = kind === 'onnx' || kind === 'tfjs';
  return retryable && !(local && OF_THE_MODEL.has(code));
}
