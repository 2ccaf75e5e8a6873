import { rmSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { greedyOnnxFile, hangingOnnxFile } from '../../../../test/support/models/faulty-onnx.js';
import { writeModel } from '../../../../test/support/models/model-files.js';
import { onnxFile } from '../../../../test/support/models/write-onnx.js';
import {
  batchOf,
  CONFORMANCE_MLP,
  describeRuntimeConformance,
  failure,
  samplesOf,
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

describe('onnx', () => {
  it.each([1, 4, 7, 16])('a model that insists on batches of %d gives the same signals', async (size) => {
    const batch = batchOf(CONFORMANCE_MLP, samplesOf(CONFORMANCE_MLP, 7), [0, 1, 2, 3, 4, 0, 1]);
    const [free, fixed] = [
      await open(onnxFile(CONFORMANCE_MLP)),
      await open(onnxFile(CONFORMANCE_MLP, size)),
    ];
    const expected = await free.signals(batch, 'loss');
    const signals = await fixed.signals(batch, 'loss');
    expect(signals).toHaveLength(7);
    signals.forEach((signal, i) => expect(signal).toBeCloseTo(expected[i]!, 5));
    await Promise.all([free.dispose(), fixed.dispose()]);
  });

  it('an entry outside the artifact, an output that is not there', async () => {
    const directory = writeModel({ 'inside/model.onnx': onnxFile(CONFORMANCE_MLP) });
    directories.push(directory);
    for (const [entry, output, message] of [
      ['../model.onnx', null, /outside the artifact/],
      ['inside/model.onnx', 'scores', /no output scores; name the one that holds the classes \(output\)/],
    ] as const) {
      const declaration = { kind: 'onnx', entry, output, outputForm: 'logits' } as const;
      const error = await failure(openRuntime({ declaration, directory }, runtimeOptions()));
      expect(error).toMatchObject({ code: 'RUNTIME_MODEL_BROKEN', retryable: false });
      expect(error.message).toMatch(message);
      expect(error.message).not.toContain(directory);
    }
  });

  it('a file that somebody removed may be there again', async () => {
    const directory = writeModel({ 'model.onnx': onnxFile(CONFORMANCE_MLP) });
    rmSync(directory, { recursive: true });
    const declaration = { kind: 'onnx', entry: 'model.onnx', output: null, outputForm: 'logits' } as const;
    const error = await failure(openRuntime({ declaration, directory }, runtimeOptions()));
    expect(error).toMatchObject({ code: 'RUNTIME_UNAVAILABLE', retryable: true });
    expect(error.message).not.toContain(directory);
  });
});
