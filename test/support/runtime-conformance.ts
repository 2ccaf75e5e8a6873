/**
 * What every model runtime must do, whatever runs the model: the same weights give the same numbers, and what can be wrong
 * gives the same codes. A runtime's spec says how a classifier of the tests becomes a model of its kind, and how its faults
 * are provoked, and calls {@link describeRuntimeConformance}.
 */
import type { InferenceErrorCode, ModelRuntime, SampleBatch, SignalKind } from '@app/inference';
import { positionsOf, InferenceError } from '@app/inference';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Classifier, classify, convolutionalClassifier, denseClassifier } from './models/classifier.js';

/** Largest difference from float64 arithmetic, in logits and in signals. */
const TOLERANCE = 1e-4;

export interface Fault {
  /** Does what must fail: opens a model, and asks it for signals where opening alone does not fail. */
  provoke(): Promise<unknown>;
  readonly code: InferenceErrorCode;
  readonly retryable: boolean;
}

export interface ConformanceHarness {
  /** Opens the classifier as a model of this kind; `outputForm` is declared as given, even where it is not true. */
  open(classifier: Classifier, outputForm: 'logits' | 'probabilities'): Promise<ModelRuntime>;
  /** What `backend` must look like. */
  readonly backend: RegExp;
  readonly faults: Readonly<Record<'truncated' | 'outOfMemory' | 'timeout', Fault>>;
  close?(): Promise<void>;
}

export const CONFORMANCE_MLP = denseClassifier(1, [6, 16, 8, 5]);
const CNN = convolutionalClassifier(2, {
  height: 8,
  width: 8,
  channels: 2,
  convolutions: [
    { outputs: 4, pool: true },
    { outputs: 6, pool: true },
  ],
  dense: [5],
});

/** Gives NaN (infinity less infinity) where the first feature is 2 or more, plain numbers where it is zero. */
export function overflowing(): Classifier {
  const classifier = denseClassifier(3, [6, 4, 5]);
  const [first, second] = classifier.layers;
  if (first?.kind !== 'dense' || second?.kind !== 'dense') throw new Error('not an MLP');
  first.weights.fill(3e38, 0, 2);
  for (let o = 0; o < 5; o++) {
    second.weights[o] = 1;
    second.weights[5 + o] = -1;
  }
  return classifier;
}

/** Small whole numbers, exact as bytes too. */
export function samplesOf(classifier: Classifier, count: number): Float32Array {
  const size = classifier.inputShape.reduce((product, length) => product * length, 1);
  return Float32Array.from({ length: count * size }, (_, at) => (at * 7 + (at >> 3)) % 5);
}

export function batchOf(
  classifier: Classifier,
  data: Float32Array | Float64Array | Uint8Array,
  labels: readonly number[],
): Extract<SampleBatch, { form: 'tensors' }> {
  const dtype = data instanceof Uint8Array ? 'uint8' : data instanceof Float64Array ? 'float64' : 'float32';
  return {
    form: 'tensors',
    count: labels.length,
    tensors: [{ name: 'input', dtype, shape: classifier.inputShape, data }],
    labels: Int32Array.from(labels),
  };
}

/** The signal that float64 arithmetic gives. */
export function expectedSignal(outputs: Float64Array, label: number, kind: SignalKind): number {
  const highest = Math.max(...outputs);
  const logTotal = highest + Math.log(outputs.reduce((sum, value) => sum + Math.exp(value - highest), 0));
  const loss = logTotal - outputs[label]!;
  return kind === 'loss' ? loss : Math.exp(-loss);
}

export async function failure(action: Promise<unknown>): Promise<InferenceError> {
  const error: unknown = await action.then(
    () => new Error('nothing failed'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof InferenceError) return error;
  throw error;
}

export function describeRuntimeConformance(name: string, harness: () => ConformanceHarness): void {
  describe(`${name}: runtime conformance`, () => {
    let mlp: ModelRuntime;
    const count = 7;
    const data = samplesOf(CONFORMANCE_MLP, count);
    const labels = Array.from({ length: count }, (_, i) => i % CONFORMANCE_MLP.classes);

    beforeAll(async () => {
      mlp = await harness().open(CONFORMANCE_MLP, 'logits');
    });
    afterAll(async () => {
      await mlp.dispose();
      await harness().close?.();
    });

    it('describes inputs and outputs, and says what computes', () => {
      const { inputs, outputs } = mlp.describe();
      expect(inputs.map(({ dtype, shape }) => ({ dtype, shape }))).toEqual([
        { dtype: 'float32', shape: [null, 6] },
      ]);
      expect(outputs).toHaveLength(1);
      expect(mlp.backend).toMatch(harness().backend);
    });

    it('the same weights give the same logits', async () => {
      // A sample's losses for all classes are its logits, but for one constant.
      for (let i = 0; i < count; i++) {
        const sample = data.subarray(i * 6, (i + 1) * 6);
        const classes = Array.from({ length: CONFORMANCE_MLP.classes }, (_, c) => c);
        const repeated = Float32Array.from(classes.flatMap(() => [...sample]));
        const losses = await mlp.signals(batchOf(CONFORMANCE_MLP, repeated, classes), 'loss');
        const logits = classify(CONFORMANCE_MLP, sample);
        classes.forEach((c) => {
          expect(Math.abs(losses[c]! - expectedSignal(logits, c, 'loss'))).toBeLessThan(TOLERANCE);
          expect(Math.abs(losses[0]! - losses[c]! - (logits[c]! - logits[0]!))).toBeLessThan(TOLERANCE);
        });
      }
    });

    it.each(['loss', 'probability'] as const)('an MLP and a convolutional network: %s', async (kind) => {
      const cnn = await harness().open(CNN, 'logits');
      for (const [classifier, runtime] of [
        [CONFORMANCE_MLP, mlp],
        [CNN, cnn],
      ] as const) {
        await expectSignals(runtime, classifier, samplesOf(classifier, count), kind);
      }
      await cnn.dispose();
    });

    it('an output of probabilities', async () => {
      const classifier = { ...CONFORMANCE_MLP, softmax: true };
      const runtime = await harness().open(classifier, 'probabilities');
      for (const kind of ['loss', 'probability'] as const) {
        const signals = await runtime.signals(batchOf(classifier, data, labels), kind);
        signals.forEach((signal, i) => {
          const logits = classify(CONFORMANCE_MLP, data.subarray(i * 6, (i + 1) * 6));
          expect(Math.abs(signal - expectedSignal(logits, labels[i]!, kind))).toBeLessThan(TOLERANCE);
        });
      }
      await runtime.dispose();
    });

    it('bytes are widened: the same signals, bit for bit', async () => {
      const asBytes = await mlp.signals(batchOf(CONFORMANCE_MLP, Uint8Array.from(data), labels), 'loss');
      expect(asBytes).toEqual(await mlp.signals(batchOf(CONFORMANCE_MLP, data, labels), 'loss'));
    });

    it('extreme logits give numbers in range', async () => {
      const far = data.map((value) => value * 1e4);
      const losses = await mlp.signals(batchOf(CONFORMANCE_MLP, far, labels), 'loss');
      const probabilities = await mlp.signals(batchOf(CONFORMANCE_MLP, far, labels), 'probability');
      expect(Math.max(...losses)).toBeGreaterThan(1000);
      losses.forEach((loss) => expect(Number.isFinite(loss) && loss >= 0).toBe(true));
      probabilities.forEach((probability) => expect(probability >= 0 && probability <= 1).toBe(true));
    });

    it('batches asked for together are answered each with its own', async () => {
      const alone = await mlp.signals(batchOf(CONFORMANCE_MLP, data, labels), 'loss');
      const together = await Promise.all(
        labels.map((label, i) =>
          mlp.signals(batchOf(CONFORMANCE_MLP, data.slice(i * 6, (i + 1) * 6), [label]), 'loss'),
        ),
      );
      together.forEach((answer, i) => expect(Math.abs(answer[0]! - alone[i]!)).toBeLessThan(TOLERANCE));
    });

    it('no samples, no signals', async () => {
      expect(await mlp.signals(batchOf(CONFORMANCE_MLP, new Float32Array(0), []), 'loss')).toHaveLength(0);
    });

    it('wrong shape, wrong type, wrong form', async () => {
      const good = batchOf(CONFORMANCE_MLP, data, labels);
      const [tensor] = good.tensors;
      const wrong: SampleBatch[] = [
        { ...good, tensors: [{ ...tensor!, shape: [3, 2] }] },
        { ...good, tensors: [{ ...tensor!, shape: [5], data: new Float32Array(count * 5) }] },
        { ...good, tensors: [{ ...tensor!, data: data.subarray(1) }] },
        { ...good, tensors: [tensor!, tensor!] },
        { ...good, tensors: [] },
        { ...good, labels: Int32Array.from(labels.slice(1)) },
        batchOf(CONFORMANCE_MLP, Float64Array.from(data), labels),
        { form: 'text', texts: ['a sentence'] },
        { form: 'tokens', sequences: [Int32Array.of(1, 2)] },
      ];
      for (const batch of wrong) {
        const error = await failure(mlp.signals(batch, 'loss'));
        expect(error).toMatchObject({ code: 'RUNTIME_INPUT_MISMATCH', retryable: false });
      }
      await expectSignals(mlp, CONFORMANCE_MLP, data, 'loss');
    });

    it('a label that is no class is named', async () => {
      const error = await failure(
        mlp.signals(batchOf(CONFORMANCE_MLP, data, [0, 5, 1, 2, -1, 3, 4]), 'probability'),
      );
      expect(error).toMatchObject({ code: 'RUNTIME_INPUT_MISMATCH', retryable: false });
      expect(error.details['classes']).toBe(5);
      expect(positionsOf(error)).toEqual([1, 4]);
    });

    it('NaN names its samples, and the others can be had without them', async () => {
      const classifier = overflowing();
      const runtime = await harness().open(classifier, 'logits');
      const samples = data.map((value, at) => (at % 6 > 0 ? value : at === 6 || at === 24 ? 4 : 0));
      const error = await failure(runtime.signals(batchOf(classifier, samples, labels), 'loss'));
      expect(error).toMatchObject({ code: 'RUNTIME_OUTPUT_NOT_FINITE', retryable: false });
      expect(positionsOf(error)).toEqual([1, 4]);
      const rest = [0, 2, 3, 5, 6];
      const kept = Float32Array.from(rest.flatMap((i) => [...samples.subarray(i * 6, (i + 1) * 6)]));
      await expectSignals(runtime, classifier, kept, 'loss');
      await runtime.dispose();
    });

    it('logits declared as probabilities are noticed', async () => {
      const runtime = await harness().open(CONFORMANCE_MLP, 'probabilities');
      const error = await failure(runtime.signals(batchOf(CONFORMANCE_MLP, data, labels), 'loss'));
      expect(error).toMatchObject({ code: 'RUNTIME_OUTPUT_MISMATCH', retryable: false });
      expect(positionsOf(error)).toEqual([0, 1, 2, 3, 4, 5, 6]);
      await runtime.dispose();
    });

    it.each(['truncated', 'outOfMemory', 'timeout'] as const)('fault: %s', async (fault) => {
      const expected = harness().faults[fault];
      const { code, retryable } = await failure(expected.provoke());
      expect({ code, retryable }).toEqual({ code: expected.code, retryable: expected.retryable });
    });

    it('after dispose nothing is answered, and a second dispose does nothing', async () => {
      const runtime = await harness().open(CONFORMANCE_MLP, 'logits');
      await runtime.dispose();
      await runtime.dispose();
      const error = await failure(runtime.signals(batchOf(CONFORMANCE_MLP, data, labels), 'loss'));
      expect(error).toMatchObject({ code: 'RUNTIME_DISPOSED', retryable: false });
    });
  });
}

async function expectSignals(
  runtime: ModelRuntime,
  classifier: Classifier,
  data: Float32Array,
  kind: SignalKind,
): Promise<void> {
  const size = classifier.inputShape.reduce((product, length) => product * length, 1);
  const labels = Array.from({ length: data.length / size }, (_, i) => (i * 3) % classifier.classes);
  const signals = await runtime.signals(batchOf(classifier, data, labels), kind);
  expect(signals).toHaveLength(labels.length);
  signals.forEach((signal, i) => {
    const outputs = classify(classifier, data.subarray(i * size, (i + 1) * size));
    expect(Math.abs(signal - expectedSignal(outputs, labels[i]!, kind))).toBeLessThan(TOLERANCE);
  });
}
