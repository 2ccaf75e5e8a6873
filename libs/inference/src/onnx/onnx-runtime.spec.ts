import { rmSync } from 'node:fs';
import { afterAll } from 'vitest';
import { greedyOnnxFile, hangingOnnxFile } from '../../../../test/support/models/faulty-onnx.js';
import { writeModel } from '../../../../test/support/models/model-files.js';
import { onnxFile } from '../../../../test/support/models/write-onnx.js';
import {
  batchOf,
  CONFORMANCE_MLP,
  describeRuntimeConformance,
} from '../../../../test/support/runtime-conformance.js';
import { runtimeOptions } from '../../../../test/support/runtime-options.js';
import { openRuntime } from '../open-runtime.js';
import type { ModelRuntime, RuntimeOptions } from '../runtime.js';

const directories: string[] = [];

function open(
  bytes: Uint8Array,
  outputForm: 'logits' | 'probabilities' = 'logits',
  options: Partial<RuntimeOptions> = {},
): Promise<ModelRuntime> {
  const directory = writeModel({ 'model.onnx': bytes });
  directories.push(directory);
  return openRuntime(
    { declaration: { kind: 'onnx', entry: 'model.onnx', output: null, outputForm }, directory },
    runtimeOptions(options),
  );
}

async function ask(opening: Promise<ModelRuntime>, number: number): Promise<unknown> {
  const runtime = await opening;
  try {
    return await runtime.signals(batchOf(CONFORMANCE_MLP, new Float32Array(6).fill(number), [0]), 'loss');
  } finally {
    await runtime.dispose();
  }
}

afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true });
});

describeRuntimeConformance('onnx', () => ({
  open: (classifier, outputForm) => open(onnxFile(classifier), outputForm),
  backend: /^onnxruntime-node \d+\.\d+\.\d+ \((cpu|cuda|webgpu)\)$/,
  faults: {
    truncated: {
      provoke: () => open(onnxFile(CONFORMANCE_MLP).subarray(0, 700)),
      code: 'RUNTIME_MODEL_BROKEN',
      retryable: false,
    },
    outOfMemory: {
      provoke: () => ask(open(greedyOnnxFile()), 1_000_000),
      code: 'RUNTIME_OUT_OF_MEMORY',
      retryable: false,
    },
    timeout: {
      provoke: () => ask(open(hangingOnnxFile(), 'logits', { timeoutMs: 500 }), 1e15),
      code: 'RUNTIME_TIMEOUT',
      retryable: true,
    },
  },
}));
