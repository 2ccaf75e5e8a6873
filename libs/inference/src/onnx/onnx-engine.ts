/** An ONNX file in onnxruntime-node. Proven by onnx-runtime.spec.ts. */
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { isOnnxBackend, type OnnxBackend } from '../backends.js';
import { InferenceError } from '../errors.js';
import type { Feed } from '../local/feeds.js';
import type { Engine, FileDeclaration } from '../local/local-runtime.js';
import type { LocalOptions } from '../local/local-options.js';
import { entryFile } from '../local/model-file.js';
import { loadFault, runFault } from '../local/model-fault.js';
import type { ModelOutput } from '../local/signals-of-output.js';
import type { DType, ModelDescription, TensorSpec } from '../runtime.js';
import { checkOnnxBackend, loadOnnxruntime, type Onnxruntime, sessionOptions } from './onnx-backends.js';

const DTYPES: readonly string[] = ['float32', 'float64', 'int32', 'int64', 'uint8', 'bool'] satisfies DType[];

export async function loadOnnxEngine(
  declaration: FileDeclaration,
  directory: string,
  options: LocalOptions,
): Promise<Engine> {
  const path = entryFile(directory, declaration.entry);
  const runtime = await onnxruntime();
  const backend = await firstUsable(runtime, options.backends.filter(isOnnxBackend));
  const session = await create(runtime, path, directory, sessionOptions(backend, options.threads));
  try {
    return new OnnxEngine(runtime, session, backend);
  } catch (error) {
    await session.release();
    throw error;
  }
}

class OnnxEngine implements Engine {
  readonly backend: string;
  readonly description: ModelDescription;

  constructor(
    private readonly runtime: Onnxruntime,
    private readonly session: InferenceSession,
    backend: OnnxBackend,
  ) {
    const version = runtime.env.versions.node ?? runtime.env.versions.common;
    this.backend = `onnxruntime-node ${version} (${backend.slice('onnx-'.length)})`;
    this.description = {
      inputs: session.inputMetadata.map(specOf),
      outputs: session.outputMetadata.flatMap((output) =>
        output.isTensor && DTYPES.includes(output.type) ? [specOf(output)] : [],
      ),
    };
  }

  async run(feeds: readonly Feed[], output: string): Promise<ModelOutput> {
    const inputs = Object.fromEntries(feeds.map((feed) => [feed.name, this.tensorOf(feed)]));
    const found = await this.session.run(inputs, [output]).catch((error: unknown) => {
      throw runFault(error);
    });
    const { data, dims } = found[output]!;
    if (data instanceof Float32Array || data instanceof Float64Array) return { shape: dims, data };
    throw new InferenceError('RUNTIME_OUTPUT_MISMATCH', `the output ${output} must be float32 or float64`);
  }

  dispose(): Promise<void> {
    return this.session.release();
  }

  private tensorOf(feed: Feed): Tensor {
    return new this.runtime.Tensor(feed.dtype, feed.data as Float32Array, feed.shape);
  }
}

function specOf(metadata: InferenceSession.ValueMetadata): TensorSpec {
  if (!metadata.isTensor || !DTYPES.includes(metadata.type)) {
    throw new InferenceError(
      'RUNTIME_MODEL_BROKEN',
      `the input ${metadata.name} is ${metadata.isTensor ? metadata.type : 'no tensor'}; inputs must be tensors of ${DTYPES.join(', ')}`,
    );
  }
  const shape = metadata.shape.map((size) => (typeof size === 'number' && size >= 0 ? size : null));
  return { name: metadata.name, dtype: metadata.type as DType, shape };
}

async function onnxruntime(): Promise<Onnxruntime> {
  try {
    return await loadOnnxruntime();
  } catch (error) {
    throw new InferenceError(
      'RUNTIME_UNAVAILABLE',
      'onnxruntime-node cannot be loaded on this machine; `lacuna doctor` says why',
      { cause: error, retryable: true },
    );
  }
}

async function firstUsable(runtime: Onnxruntime, backends: readonly OnnxBackend[]): Promise<OnnxBackend> {
  for (const backend of backends) {
    if ((await checkOnnxBackend(runtime, backend)).usable) return backend;
  }
  throw new InferenceError(
    'RUNTIME_UNAVAILABLE',
    'no backend for ONNX files works on this machine; `lacuna doctor` says why, LACUNA_INFERENCE_BACKENDS which are allowed',
    { retryable: true },
  );
}

async function create(
  runtime: Onnxruntime,
  path: string,
  directory: string,
  options: InferenceSession.SessionOptions,
): Promise<InferenceSession> {
  try {
    return await runtime.InferenceSession.create(path, options);
  } catch (error) {
    throw loadFault(error, directory);
  }
}
