import { rmSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import {
  type Classifier,
  convolutionalClassifier,
  denseClassifier,
} from '../../../../test/support/models/classifier.js';
import { type ModelFiles, writeModel } from '../../../../test/support/models/model-files.js';
import { graphModelFiles } from '../../../../test/support/models/write-graph-model.js';
import { layersModelFiles } from '../../../../test/support/models/write-layers-model.js';
import {
  batchOf,
  CONFORMANCE_MLP,
  describeRuntimeConformance,
  failure,
} from '../../../../test/support/runtime-conformance.js';
import { runtimeOptions } from '../../../../test/support/runtime-options.js';
import { openRuntime } from '../open-runtime.js';
import type { ModelRuntime, RuntimeOptions } from '../runtime.js';

const WASM = { backends: ['tfjs-wasm'] } as const;
/** One layer of 65,536: 256 KiB of memory and 720 thousand multiplications a sample. */
const WIDE = denseClassifier(9, [6, 65_536, 5]);
const directories: string[] = [];

function open(
  files: ModelFiles,
  outputForm: 'logits' | 'probabilities' = 'logits',
  options: Partial<RuntimeOptions> = {},
): Promise<ModelRuntime> {
  const directory = writeModel(files);
  directories.push(directory);
  return openRuntime(
    { declaration: { kind: 'tfjs', entry: 'model.json', output: null, outputForm }, directory },
    runtimeOptions({ ...WASM, ...options }),
  );
}

async function ask(files: ModelFiles, count: number, options: Partial<RuntimeOptions>): Promise<unknown> {
  const runtime = await open(files, 'logits', options);
  try {
    const labels = Array<number>(count).fill(0);
    return await runtime.signals(batchOf(WIDE, new Float32Array(count * 6), labels), 'loss');
  } finally {
    await runtime.dispose();
  }
}

afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true });
});

const forms: readonly [string, (classifier: Classifier) => ModelFiles][] = [
  ['LayersModel', layersModelFiles],
  ['GraphModel', graphModelFiles],
];

for (const [form, filesOf] of forms) {
  describeRuntimeConformance(`tfjs ${form}`, () => ({
    open: (classifier, outputForm) => open(filesOf(classifier), outputForm),
    backend: /^tfjs 4\.\d+\.\d+ \(wasm\)$/,
    faults: {
      truncated: {
        provoke: () => {
          const files = filesOf(CONFORMANCE_MLP);
          return open({ ...files, 'weights.bin': files['weights.bin']!.subarray(0, 200) });
        },
        code: 'RUNTIME_MODEL_BROKEN',
        retryable: false,
      },
      outOfMemory: {
        provoke: () => ask(filesOf(WIDE), 10_000, { memoryMb: 700 }),
        code: 'RUNTIME_OUT_OF_MEMORY',
        retryable: false,
      },
      timeout: {
        provoke: () => ask(filesOf(WIDE), 5_000, { timeoutMs: 20 }),
        code: 'RUNTIME_TIMEOUT',
        retryable: true,
      },
    },
  }));

  describe(`tfjs ${form}`, () => {
    it('model.json cut off, without its weights, or of something else', async () => {
      const files = filesOf(CONFORMANCE_MLP);
      const json = files['model.json']!;
      for (const wrong of [
        { ...files, 'model.json': json.subarray(0, json.length / 2) },
        { ...files, 'model.json': Buffer.from('{"modelTopology": {}}') },
        { ...files, 'model.json': Buffer.from('[]') },
        { 'model.json': json },
      ]) {
        expect(await failure(open(wrong))).toMatchObject({ code: 'RUNTIME_MODEL_BROKEN', retryable: false });
      }
    });

    it('a model.json that somebody removed may be there again', async () => {
      const error = await failure(open({ 'weights.bin': filesOf(CONFORMANCE_MLP)['weights.bin']! }));
      expect(error).toMatchObject({ code: 'RUNTIME_UNAVAILABLE', retryable: true });
    });

    it('weights outside the artifact are not read', async () => {
      const files = filesOf(CONFORMANCE_MLP);
      const json = String(Buffer.from(files['model.json']!)).replace('weights.bin', '../weights.bin');
      const error = await failure(open({ ...files, 'model.json': Buffer.from(json) }));
      expect(error).toMatchObject({ code: 'RUNTIME_MODEL_BROKEN' });
      expect(error.message).toContain('outside the artifact');
    });
  });
}

describe('tfjs backends', () => {
  it('the one in plain JavaScript gives the same numbers', async () => {
    const cnn = convolutionalClassifier(5, {
      height: 4,
      width: 4,
      channels: 1,
      convolutions: [{ outputs: 3, pool: true }],
      dense: [4],
    });
    const batch = batchOf(
      cnn,
      Float32Array.from({ length: 48 }, (_, at) => at % 5),
      [0, 1, 2],
    );
    const both = await Promise.all(
      (['tfjs-wasm', 'tfjs-cpu'] as const).map(async (backend) => {
        const runtime = await open(layersModelFiles(cnn), 'logits', { backends: [backend] });
        const signals = await runtime.signals(batch, 'loss');
        await runtime.dispose();
        return { backend: runtime.backend, signals };
      }),
    );
    expect(both.map(({ backend }) => backend)).toEqual([
      expect.stringContaining('(wasm)'),
      expect.stringContaining('(cpu)'),
    ]);
    both[0]!.signals.forEach((signal, i) => expect(signal).toBeCloseTo(both[1]!.signals[i]!, 4));
  });

  it('none allowed, or a SavedModel without the native package: unavailable here, perhaps not elsewhere', async () => {
    const none = await failure(open(layersModelFiles(CONFORMANCE_MLP), 'logits', { backends: ['onnx-cpu'] }));
    expect(none).toMatchObject({ code: 'RUNTIME_UNAVAILABLE', retryable: true });
    const saved = writeModel({ 'saved/saved_model.pb': new Uint8Array(8) });
    directories.push(saved);
    const declaration = { kind: 'tfjs', entry: 'saved', output: null, outputForm: 'logits' } as const;
    const error = await failure(openRuntime({ declaration, directory: saved }, runtimeOptions(WASM)));
    expect(error).toMatchObject({ code: 'RUNTIME_UNAVAILABLE', retryable: true });
    expect(error.message).toContain('gpu:install');
  });
});
