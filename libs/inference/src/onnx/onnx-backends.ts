/**
 * Which of onnxruntime's execution providers work here. Being compiled in says little: the CUDA libraries may be missing, the
 * graphics card too; so each is asked for the known answer. Proven by onnx-backends.spec.ts.
 */
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import type { BackendCheck, OnnxBackend } from '../backends.js';
import { firstLine } from '../local/first-line.js';
import { KNOWN_ANSWER, knownAnswerFault } from '../local/known-answer.js';
import { KNOWN_ANSWER_MODEL } from './known-answer-model.js';

export type Onnxruntime = typeof import('onnxruntime-node');

/** @throws Error where the package, or its binary for this platform, is missing */
export async function loadOnnxruntime(): Promise<Onnxruntime> {
  const runtime = await import('onnxruntime-node');
  // What fails is told by an error; its own lines on standard error are not in the form of our logs.
  runtime.env.logLevel = 'fatal';
  return runtime;
}

export function sessionOptions(backend: OnnxBackend, threads: number): InferenceSession.SessionOptions {
  return {
    executionProviders: [backend.slice('onnx-'.length)],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    logSeverityLevel: 4,
  };
}

/** Runs the known-answer model on one provider. */
export async function checkOnnxBackend(
  runtime: Onnxruntime,
  backend: OnnxBackend,
): Promise<BackendCheck<OnnxBackend>> {
  const failed = (detail: string): BackendCheck<OnnxBackend> => ({ backend, usable: false, detail });
  const provider = backend.slice('onnx-'.length);
  if (!runtime.listSupportedBackends().some(({ name }) => name === provider))
    return failed('not in onnxruntime for this platform');
  if (backend === 'onnx-cuda' && !hasCudaLibraries())
    return failed('its CUDA libraries are not installed; `npm run gpu:install` fetches them');
  if (backend === 'onnx-webgpu' && !hasGraphicsDevice())
    return failed('no graphics device (/dev/dri); a software renderer would be slower than the CPU');
  try {
    const session = await runtime.InferenceSession.create(KNOWN_ANSWER_MODEL, sessionOptions(backend, 1));
    const { rows, inputs, x } = KNOWN_ANSWER;
    const tensor = new runtime.Tensor('float32', Float32Array.from(x), [rows, inputs]);
    const { y } = await session.run({ x: tensor });
    await session.release();
    const fault = knownAnswerFault(y!.data as Float32Array);
    return fault ? failed(fault) : { backend, usable: true, detail: 'known-answer check passed' };
  } catch (error) {
    return failed(firstLine(error));
  }
}

/** They are too large for the package and come by a download of their own. */
function hasCudaLibraries(): boolean {
  const binaries = join(
    dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json')),
    'bin',
  );
  return readdirSync(binaries, { recursive: true }).some((path) =>
    path.includes('onnxruntime_providers_cuda'),
  );
}

/** Linux shows one as a render node; elsewhere the driver decides. */
function hasGraphicsDevice(): boolean {
  if (process.platform !== 'linux') return true;
  return existsSync('/dev/dri') && readdirSync('/dev/dri').some((name) => name.startsWith('render'));
}
