/**
 * A model file run in this process: what is the same for every engine. An engine computes one output from feeds; matching
 * the samples to the inputs, cutting batches for models with a fixed batch size, and reading the signals happen here.
 */
import { InferenceError } from '../errors.js';
import type { SignalKind } from '../recorded/row-reader.js';
import type {
  ArtifactDeclaration,
  ModelDescription,
  ModelRuntime,
  SampleBatch,
  TensorSpec,
} from '../runtime.js';
import { type Feed, feedsOf, tensorsOf } from './feeds.js';
import { type ModelOutput, signalsOfOutput } from './signals-of-output.js';

export type FileDeclaration = Extract<ArtifactDeclaration, { kind: 'onnx' | 'tfjs' }>;

/** What is declared of every model whose output is classes. */
export type ClassifierDeclaration = Pick<
  Extract<ArtifactDeclaration, { outputForm: unknown }>,
  'kind' | 'output' | 'outputForm'
>;

/** One loaded model in the form of one library. */
export interface Engine {
  readonly backend: string;
  readonly description: ModelDescription;
  /** The description cannot tell the inputs: samples' tensors are passed as they are. */
  readonly takesAnyTensors?: boolean;
  /** @throws InferenceError RUNTIME_MODEL_BROKEN, RUNTIME_OUT_OF_MEMORY */
  run(feeds: readonly Feed[], output: string): Promise<ModelOutput>;
  dispose(): void | Promise<void>;
}

export class LocalRuntime implements ModelRuntime {
  readonly kind: ClassifierDeclaration['kind'];
  private disposed = false;

  private constructor(
    private readonly engine: Engine,
    private readonly declaration: ClassifierDeclaration,
    private readonly output: TensorSpec,
    private readonly batchSize: number | null,
  ) {
    this.kind = declaration.kind;
  }

  /** @throws InferenceError RUNTIME_MODEL_BROKEN where the declared output is not there or is no row of classes */
  static async of(engine: Engine, declaration: ClassifierDeclaration): Promise<LocalRuntime> {
    try {
      const output = declaredOutput(engine.description, declaration.output);
      return new LocalRuntime(engine, declaration, output, fixedBatchSize(engine.description));
    } catch (error) {
      await engine.dispose();
      throw error;
    }
  }

  get backend(): string {
    return this.engine.backend;
  }

  describe(): ModelDescription {
    return this.engine.description;
  }

  async signals(batch: SampleBatch, signalKind: SignalKind): Promise<Float64Array> {
    if (this.disposed)
      throw new InferenceError('RUNTIME_DISPOSED', 'the runtime was disposed of; open it again');
    const { count, labels } = tensorsOf(batch);
    if (labels.length !== count) {
      throw new InferenceError(
        'RUNTIME_INPUT_MISMATCH',
        `${count} samples have ${labels.length} labels; give each sample one`,
      );
    }
    const feeds = feedsOf(batch, this.inputsFor(batch));
    if (count === 0) return new Float64Array(0);
    const output = await this.outputOf(feeds, count);
    return signalsOfOutput(output, labels, this.declaration.outputForm, signalKind);
  }

  async dispose(): Promise<void> {
    if (this.disposed) return;
    this.disposed = true;
    await this.engine.dispose();
  }

  private inputsFor(batch: SampleBatch): readonly TensorSpec[] {
    if (!this.engine.takesAnyTensors) return this.engine.description.inputs;
    return tensorsOf(batch).tensors.map((tensor) => ({ ...tensor, shape: [null, ...tensor.shape] }));
  }

  private async outputOf(feeds: readonly Feed[], count: number): Promise<ModelOutput> {
    const size = this.batchSize ?? count;
    if (size === count) return this.engine.run(feeds, this.output.name);
    const parts: ModelOutput[] = [];
    for (let from = 0; from < count; from += size) {
      const part = feeds.map((feed) => cut(feed, from, size));
      parts.push(await this.engine.run(part, this.output.name));
    }
    const [, ...rest] = parts[0]!.shape;
    const data = new Float64Array(parts.reduce((total, part) => total + part.data.length, 0));
    parts.reduce((at, part) => {
      data.set(part.data, at);
      return at + part.data.length;
    }, 0);
    const row = rest.reduce((product, length) => product * length, 1);
    return { shape: [count, ...rest], data: data.subarray(0, count * row) };
  }
}

/** Samples [from, from + size), the last sample repeated where there are fewer. */
function cut(feed: Feed, from: number, size: number): Feed {
  const [count, ...shape] = feed.shape;
  const row = feed.data.length / count!;
  const there = feed.data.subarray(from * row, (from + size) * row);
  if (there.length === size * row) return { ...feed, shape: [size, ...shape], data: there };
  const data = feed.data.slice(0, 0).constructor as new (length: number) => Uint8Array;
  const filled = new data(size * row);
  filled.set(there as Uint8Array);
  const last = there.subarray(there.length - row) as Uint8Array;
  for (let at = there.length; at < filled.length; at += row) filled.set(last, at);
  return { ...feed, shape: [size, ...shape], data: filled };
}

function declaredOutput({ outputs }: ModelDescription, declared: string | null): TensorSpec {
  const names = outputs.map(({ name }) => name).join(', ');
  const found = declared === null ? outputs[0] : outputs.find(({ name }) => name === declared);
  if (!found || (declared === null && outputs.length > 1)) {
    const what = declared === null ? 'the model has several outputs' : `the model has no output ${declared}`;
    throw new InferenceError(
      'RUNTIME_MODEL_BROKEN',
      `${what}; name the one that holds the classes (${names})`,
    );
  }
  return found;
}

/** The batch size that a model insists on, or null where it takes any. */
function fixedBatchSize({ inputs }: ModelDescription): number | null {
  const sizes = new Set(inputs.map(({ shape }) => shape[0] ?? null).filter((size) => size !== null));
  if (sizes.size <= 1) return [...sizes][0] ?? null;
  throw new InferenceError(
    'RUNTIME_MODEL_BROKEN',
    `the model's inputs have different first dimensions (${[...sizes].join(', ')}); the first must count samples`,
  );
}
