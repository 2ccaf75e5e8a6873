/**
 * What TensorFlow.js can compute with here. The native packages may be missing, or be there without their addon (it comes by a
 * download of its own), or have an addon whose libraries are missing: each backend has to be loaded and to give the known answer.
 * Proven by tfjs-runtime.spec.ts.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { BackendCheck, TfjsBackend } from '../backends.js';
import { firstLine } from '../local/first-line.js';
import { KNOWN_ANSWER, knownAnswerFault } from '../local/known-answer.js';
import type { Tensorflow } from './tensorflow.js';
import { refuseFailedAllocations } from './wasm-memory.js';

/** The part of @tensorflow/tfjs-node that the other packages do not have. */
export interface TensorflowNode {
  readonly node: {
    loadSavedModel(path: string, tags: string[], signature: string): Promise<SavedModel>;
    getMetaGraphsFromSavedModel(path: string): Promise<MetaGraph[]>;
  };
}

export interface SavedModel {
  predict(inputs: Record<string, import('@tensorflow/tfjs-core').Tensor>): unknown;
  dispose(): void;
}

export interface MetaGraph {
  readonly tags: readonly string[];
  readonly signatureDefs: Readonly<Record<string, SignatureDef>>;
}

interface SignatureDef {
  readonly inputs: Readonly<Record<string, SignatureTensor>>;
  readonly outputs: Readonly<Record<string, SignatureTensor>>;
}

export interface SignatureTensor {
  readonly dtype: string;
  readonly shape: readonly (number | { getSize(): number })[];
}

export interface LoadedBackend {
  readonly check: BackendCheck<TfjsBackend>;
  /** For results and people, for example `tfjs 4.22.0 (wasm)`. */
  readonly name: string;
  readonly node: TensorflowNode | null;
}

const require = createRequire(import.meta.url);

/** Makes a backend the current one, and checks it; after an unusable one the next may be tried. */
export async function useTfjsBackend(
  tf: Tensorflow,
  backend: TfjsBackend,
  tfjsNodeDirectory: string | null,
): Promise<LoadedBackend> {
  const registered = REGISTERED[backend];
  try {
    const loaded = await LOAD[backend](tf, tfjsNodeDirectory);
    if (!(await tf.setBackend(registered))) throw new Error('it does not start');
    await tf.ready();
    if (backend === 'tfjs-node-gpu' && !usesGraphicsCard(tf))
      throw new Error('libtensorflow sees no graphics card');
    if (backend === 'tfjs-wasm') refuseFailedAllocations(tf);
    const fault = await faultOf(tf);
    if (fault) throw new Error(fault);
    const check = { backend, usable: true, detail: 'known-answer check passed' };
    return { check, name: `tfjs ${tf.version_core} (${loaded.name})`, node: loaded.node };
  } catch (error) {
    if (tf.findBackend(registered)) tf.removeBackend(registered);
    const detail = reasonOf(error);
    return { check: { backend, usable: false, detail }, name: '', node: null };
  }
}

const REGISTERED: Readonly<Record<TfjsBackend, string>> = {
  'tfjs-node-gpu': 'tensorflow',
  'tfjs-node': 'tensorflow',
  'tfjs-wasm': 'wasm',
  'tfjs-cpu': 'cpu',
};

type Load = (
  tf: Tensorflow,
  tfjsNodeDirectory: string | null,
) => Promise<{ readonly name: string; readonly node: TensorflowNode | null }>;

const LOAD: Readonly<Record<TfjsBackend, Load>> = {
  'tfjs-node-gpu': (tf) => loadNative(tf, '@tensorflow/tfjs-node-gpu', 'tfjs-node-gpu'),
  'tfjs-node': (tf, directory) => loadNative(tf, directory ?? '@tensorflow/tfjs-node', 'tfjs-node'),
  'tfjs-wasm': async () => {
    const wasm = await import('@tensorflow/tfjs-backend-wasm');
    const file = require.resolve('@tensorflow/tfjs-backend-wasm');
    wasm.setWasmPaths(join(dirname(file), '/'));
    return { name: 'wasm', node: null };
  },
  'tfjs-cpu': async () => {
    await import('@tensorflow/tfjs-backend-cpu');
    return { name: 'cpu', node: null };
  },
};

/** Registers its backend with the core that is loaded already: it must be the same copy, or nothing comes of it. */
function loadNative(
  tf: Tensorflow,
  path: string,
  name: string,
): Promise<{ readonly name: string; readonly node: TensorflowNode }> {
  const node = require(path) as TensorflowNode & { readonly version_core?: string };
  if (!tf.findBackend('tensorflow')) {
    throw new Error(
      `${path} brings its own copy of @tensorflow/tfjs-core; it must resolve to the installed one`,
    );
  }
  return Promise.resolve({ name: `${name}, libtensorflow ${libraryVersion(tf)}`, node });
}

function libraryVersion(tf: Tensorflow): string {
  const backend = tf.findBackend('tensorflow') as { readonly binding?: { readonly TF_Version?: string } };
  return backend.binding?.TF_Version ?? 'of unknown version';
}

function usesGraphicsCard(tf: Tensorflow): boolean {
  return (tf.backend() as { readonly isUsingGpuDevice?: boolean }).isUsingGpuDevice === true;
}

async function faultOf(tf: Tensorflow): Promise<string | null> {
  const { rows, inputs, hidden, outputs, x, A, a, B, b } = KNOWN_ANSWER;
  const y = tf.tidy(() => {
    const first = tf.matMul(tf.tensor2d([...x], [rows, inputs]), tf.tensor2d([...A], [inputs, hidden]));
    const active = tf.relu(tf.add(first, tf.tensor1d([...a])));
    return tf.add(tf.matMul(active, tf.tensor2d([...B], [hidden, outputs])), tf.tensor1d([...b]));
  });
  const answer = await y.data();
  y.dispose();
  return knownAnswerFault(answer);
}

function reasonOf(error: unknown): string {
  const line = firstLine(error);
  if ((error as { code?: unknown }).code === 'MODULE_NOT_FOUND') return 'the package is not installed';
  if (/native addon module/.test(line)) {
    return 'installed without its native addon; `npm run gpu:install` fetches it';
  }
  return line;
}
