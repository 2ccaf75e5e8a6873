/**
 * The native path of TensorFlow.js: libtensorflow under its addon, all three forms of model. LACUNA_INFERENCE_TFJS_NODE names
 * a folder of @tensorflow/tfjs-node with its addon (build-tfjs-native.sh makes one); without one the file is skipped.
 */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openRuntime, type ModelRuntime, type RuntimeOptions } from '@app/inference';
import { afterAll, describe } from 'vitest';
import { type Classifier, denseClassifier } from '../support/models/classifier.js';
import { type ModelFiles, writeModel } from '../support/models/model-files.js';
import { graphModelFiles } from '../support/models/write-graph-model.js';
import { layersModelFiles } from '../support/models/write-layers-model.js';
import { savedModelFiles } from '../support/models/write-saved-model.js';
import { batchOf, CONFORMANCE_MLP, describeRuntimeConformance } from '../support/runtime-conformance.js';
import { runtimeOptions } from '../support/runtime-options.js';

const native = process.env['LACUNA_INFERENCE_TFJS_NODE'] ?? '';
const isBuilt = native !== '' && existsSync(join(native, 'package.json'));
if (!isBuilt) {
  process.stderr.write(
    'SKIPPED: the native path of TensorFlow.js needs LACUNA_INFERENCE_TFJS_NODE (test/interop/build-tfjs-native.sh)\n',
  );
}

const WIDE = denseClassifier(9, [6, 65_536, 5]);
const directories: string[] = [];
const forms: readonly [string, string, (classifier: Classifier) => ModelFiles][] = [
  ['LayersModel', 'model.json', layersModelFiles],
  ['GraphModel', 'model.json', graphModelFiles],
  ['SavedModel', '.', savedModelFiles],
];

afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true });
});

describe.skipIf(!isBuilt)('tfjs-node', () => {
  for (const [form, entry, filesOf] of forms) {
    const open = (
      files: ModelFiles,
      outputForm: 'logits' | 'probabilities' = 'logits',
      options: Partial<RuntimeOptions> = {},
    ): Promise<ModelRuntime> => {
      const directory = writeModel(files);
      directories.push(directory);
      return openRuntime(
        { declaration: { kind: 'tfjs', entry, output: null, outputForm }, directory },
        runtimeOptions({ backends: ['tfjs-node'], tfjsNodeDirectory: native, ...options }),
      );
    };
    const ask = async (count: number, options: Partial<RuntimeOptions>): Promise<unknown> => {
      const runtime = await open(filesOf(WIDE), 'logits', options);
      const labels = Array<number>(count).fill(0);
      return runtime
        .signals(batchOf(WIDE, new Float32Array(count * 6), labels), 'loss')
        .finally(() => runtime.dispose());
    };
    describeRuntimeConformance(`tfjs-node ${form}`, () => ({
      open: (classifier, outputForm) => open(filesOf(classifier), outputForm),
      backend: /^tfjs 4\.\d+\.\d+ \(tfjs-node, libtensorflow 2\.9\.1\)$/,
      faults: {
        truncated: {
          provoke: () => {
            const files = filesOf(CONFORMANCE_MLP);
            return open(
              Object.fromEntries(
                Object.entries(files).map(([path, content]) => [
                  path,
                  content.subarray(0, content.length / 2),
                ]),
              ),
            );
          },
          code: 'RUNTIME_MODEL_BROKEN',
          retryable: false,
        },
        outOfMemory: {
          provoke: () => ask(20_000, { memoryMb: 900 }),
          code: 'RUNTIME_OUT_OF_MEMORY',
          retryable: false,
        },
        timeout: {
          provoke: () => ask(5_000, { timeoutMs: 20 }),
          code: 'RUNTIME_TIMEOUT',
          retryable: true,
        },
      },
    }));
  }
});
