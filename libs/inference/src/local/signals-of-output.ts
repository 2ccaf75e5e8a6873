/**
 * From a model's output rows to signals, in float64 and with the lib `iam`'s own functions, so that every runtime reduces
 * equal outputs to equal bits. Proven by signals-of-output.spec.ts.
 */
import { crossEntropy, trueClassProbability } from '@app/iam';
import { InferenceError, type InferenceErrorCode } from '../errors.js';
import type { SignalKind } from '../recorded/row-reader.js';

export interface ModelOutput {
  /** Samples first. */
  readonly shape: readonly number[];
  /** Row-major. */
  readonly data: Float32Array | Float64Array;
}

export type OutputForm = 'logits' | 'probabilities';

/**
 * How far a row of probabilities may be from adding up to one, and below zero or above one: a float16 softmax over a
 * thousand classes stays within it, a row of logits or of independent sigmoids does not.
 */
const ROW_TOLERANCE = 2e-3;

/** Loss of a probability that underflowed to zero: -ln 1e-45, the least float32; an infinite loss would be no signal. */
const PROBABILITY_FLOOR = 1e-45;

/**
 * Returns one signal a row: the true class's probability in [0, 1], or its cross entropy in nats, >= 0.
 * @param labels true class of each row, 0-based `[rows]`
 * @throws InferenceError RUNTIME_INPUT_MISMATCH (labels), RUNTIME_OUTPUT_MISMATCH, RUNTIME_OUTPUT_NOT_FINITE
 */
export function signalsOfOutput(
  output: ModelOutput,
  labels: Int32Array,
  form: OutputForm,
  kind: SignalKind,
): Float64Array {
  const classes = classesOf(output, labels.length);
  blame(
    positions(labels, (label) => label < 0 || label >= classes),
    'RUNTIME_INPUT_MISMATCH',
    `the model has ${classes} classes; the label of a sample is none of them`,
    { classes },
  );
  const signals = new Float64Array(labels.length);
  const unlike: number[] = [];
  for (let i = 0; i < labels.length; i++) {
    const row = output.data.subarray(i * classes, (i + 1) * classes);
    if (form === 'probabilities' && !isProbabilityRow(row)) unlike.push(i);
    signals[i] = signalOf(row, labels[i]!, form, kind);
  }
  blame(
    positions(signals, (signal) => Number.isNaN(signal)),
    'RUNTIME_OUTPUT_NOT_FINITE',
    'the model answers a sample with NaN or infinity',
  );
  blame(
    unlike,
    'RUNTIME_OUTPUT_MISMATCH',
    'declared as probabilities, but a row is not: declare outputForm logits if it holds logits',
  );
  return signals;
}

function signalOf(
  row: Float32Array | Float64Array,
  label: number,
  form: OutputForm,
  kind: SignalKind,
): number {
  if (form === 'logits') return kind === 'loss' ? crossEntropy(row, label) : trueClassProbability(row, label);
  if (!row.every(Number.isFinite)) return NaN;
  const probability = Math.min(Math.max(row[label]!, 0), 1);
  return kind === 'probability'
    ? probability
    : Math.max(-Math.log(Math.max(probability, PROBABILITY_FLOOR)), 0);
}

/** NaN passes: it is reported as not finite. */
function isProbabilityRow(row: Float32Array | Float64Array): boolean {
  let sum = 0;
  for (const value of row) {
    if (value < -ROW_TOLERANCE || value > 1 + ROW_TOLERANCE) return false;
    sum += value;
  }
  return !(Math.abs(sum - 1) > ROW_TOLERANCE);
}

function classesOf({ shape, data }: ModelOutput, count: number): number {
  const [rows, classes] = shape;
  if (shape.length === 2 && rows === count && classes! >= 2 && data.length === count * classes!)
    return classes!;
  throw new InferenceError(
    'RUNTIME_OUTPUT_MISMATCH',
    `${count} samples must give an output of shape [${count}, classes], with at least two classes; it is [${shape.join(', ')}]`,
  );
}

function positions(values: Int32Array | Float64Array, isWrong: (value: number) => boolean): number[] {
  const found: number[] = [];
  for (let i = 0; i < values.length; i++) if (isWrong(values[i]!)) found.push(i);
  return found;
}

function blame(
  wrong: readonly number[],
  code: InferenceErrorCode,
  message: string,
  details: Readonly<Record<string, number>> = {},
): void {
  if (wrong.length === 0) return;
  throw new InferenceError(code, message, { details: { ...details, positions: wrong.join(',') } });
}
