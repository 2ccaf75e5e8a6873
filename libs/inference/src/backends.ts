import type { Config } from '@app/config';

export type Backend = Config['LACUNA_INFERENCE_BACKENDS'][number];

/** What can compute a model file: one name for each pair of library and device, in the order in which they are tried. */
export const BACKENDS = [
  'onnx-cuda',
  'onnx-webgpu',
  'onnx-cpu',
  'tfjs-node-gpu',
  'tfjs-node',
  'tfjs-wasm',
  'tfjs-cpu',
] as const satisfies readonly Backend[];

export type OnnxBackend = Extract<Backend, `onnx-${string}`>;
export type TfjsBackend = Extract<Backend, `tfjs-${string}`>;

export const isOnnxBackend = (backend: Backend): backend is OnnxBackend => backend.startsWith('onnx-');
export const isTfjsBackend = (backend: Backend): backend is TfjsBackend => backend.startsWith('tfjs-');

/** One backend on this machine: usable, or why not. `detail` is for people. */
export interface BackendCheck<B extends Backend = Backend> {
  readonly backend: B;
  readonly usable: boolean;
  readonly detail: string;
}
