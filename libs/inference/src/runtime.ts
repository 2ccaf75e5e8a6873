/**
 * The port between a verification and whatever runs a model: load, describe, signals for a batch, dispose. Each kind of
 * artifact has one implementation in a folder of its own, and all of them pass the same conformance suite.
 */
import type { Backend } from './backends.js';
import type { EndpointAccess } from './endpoint/endpoint-access.js';
import type { SignalKind } from './recorded/row-reader.js';

/** What an artifact declares to be; chooses the runtime. `recorded` runs nothing and has no runtime. */
export type RuntimeKind = 'onnx' | 'tfjs' | 'open-inference' | 'openai-completions';

export type DType = 'float32' | 'float64' | 'int32' | 'int64' | 'uint8' | 'bool';
export type TensorData = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array;

/** One input or output of a model; null dimensions are free, the first one counts samples. */
export interface TensorSpec {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly (number | null)[];
}

export interface ModelDescription {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

/** One input of `count` samples, row-major `[count x shape]`. */
export interface TensorBatch {
  readonly name: string;
  readonly dtype: DType;
  /** Of one sample. */
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/** Samples of one form, ready to be run together. */
export type SampleBatch =
  | {
      readonly form: 'tensors';
      readonly count: number;
      readonly tensors: readonly TensorBatch[];
      /** True class of each sample, 0-based. */
      readonly labels: Int32Array;
    }
  | { readonly form: 'tokens'; readonly sequences: readonly Int32Array[] }
  | { readonly form: 'text'; readonly texts: readonly string[] };

/** Where a model is and how its output is to be read: content of a release's or reference's artifact manifest. */
export type ArtifactDeclaration =
  | {
      readonly kind: 'onnx' | 'tfjs';
      /** Model file inside the artifact, for example `model.onnx`, `model.json`, or the SavedModel's folder `.`. */
      readonly entry: string;
      /** Output that holds the classes; null where the model has only one. */
      readonly output: string | null;
      readonly outputForm: 'logits' | 'probabilities';
    }
  | {
      readonly kind: 'open-inference';
      /** Base URL without `/v2`. */
      readonly url: string;
      readonly model: string;
      readonly version: string | null;
      readonly output: string | null;
      readonly outputForm: 'logits' | 'probabilities';
      readonly encoding: 'json' | 'binary';
    }
  | {
      readonly kind: 'openai-completions';
      /** Base URL without `/v1`. */
      readonly url: string;
      readonly model: string;
      readonly form: 'prompt-logprobs' | 'echo';
    };

export interface RuntimeSource {
  readonly declaration: ArtifactDeclaration;
  /** Folder with the artifact's verified files; null for endpoints. */
  readonly directory: string | null;
}

export interface RuntimeOptions {
  /** Longest time for one batch, in milliseconds. */
  readonly timeoutMs: number;
  /** Most memory that the process of one local model may hold, in mebibytes. */
  readonly memoryMb: number;
  /** Threads that one local model computes with, where its backend lets itself be told. */
  readonly threads: number;
  /** What local models may run on, best first; each must pass its known-answer check. */
  readonly backends: readonly Backend[];
  /** Folder of a @tensorflow/tfjs-node package with its addon, in place of the installed one. */
  readonly tfjsNodeDirectory: string | null;
  /** Which endpoints may be contacted, and with what tokens. */
  readonly endpoints: EndpointAccess;
}

export interface ModelRuntime {
  readonly kind: RuntimeKind;
  /** What computes, for results and attestations, for example `onnxruntime-node 1.30.0 (cpu)`. */
  readonly backend: string;
  describe(): ModelDescription;
  /**
   * One raw signal a sample, in the order of the batch: probability of the true class, in [0, 1], or average token loss, in
   * nats, >= 0 (`signalKind`).
   * @throws InferenceError with a `RUNTIME_…` code; `RUNTIME_OUTPUT_NOT_FINITE` names the samples in `details.positions`
   */
  signals(batch: SampleBatch, signalKind: SignalKind): Promise<Float64Array>;
  dispose(): Promise<void>;
}
