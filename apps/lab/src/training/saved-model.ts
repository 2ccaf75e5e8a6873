/** A model as a folder in the format of TensorFlow.js: `model.json` with topology and weight list, `weights.bin`. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';

const TOPOLOGY = 'model.json';
const WEIGHTS = 'weights.bin';

interface TopologyFile {
  readonly modelTopology: object;
  readonly weightsManifest: readonly [{ readonly weights: tf.io.WeightsManifestEntry[] }];
}

/** Writes both files; the same weights give the same bytes. */
export async function saveModel(model: layers.LayersModel, folder: string): Promise<void> {
  await model.save(
    tf.io.withSaveHandler(async ({ modelTopology, weightSpecs, weightData }) => {
      const weightsManifest = [{ paths: [WEIGHTS], weights: weightSpecs }];
      const topology = { format: 'layers-model', generatedBy: 'lacuna lab', modelTopology, weightsManifest };
      const parts = Array.isArray(weightData) ? weightData : [weightData!];
      await writeFile(join(folder, WEIGHTS), Buffer.concat(parts.map((part) => new Uint8Array(part))));
      await writeFile(join(folder, TOPOLOGY), JSON.stringify(topology));
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    }),
  );
}

export async function loadModel(folder: string): Promise<layers.LayersModel> {
  const { modelTopology, weightsManifest } = JSON.parse(
    await readFile(join(folder, TOPOLOGY), 'utf8'),
  ) as TopologyFile;
  const bytes = await readFile(join(folder, WEIGHTS));
  const weightData = Uint8Array.from(bytes).buffer;
  const weightSpecs = weightsManifest[0].weights;
  return layers.loadLayersModel(tf.io.fromMemory({ modelTopology, weightSpecs, weightData }));
}
