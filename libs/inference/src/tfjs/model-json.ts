/**
 * A `model.json` and its shards of weights from a folder, in the form in which TensorFlow.js takes them. Its own reading of
 * files comes only with the native package. Sizes are compared here: a shard that is cut off would otherwise pass as zeros or fail late.
 */
import { readFile } from 'node:fs/promises';
import { dirname, relative } from 'node:path';
import type { io } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { InferenceError } from '../errors.js';
import { entryFile, namedFile } from '../local/model-file.js';

const BYTES: Readonly<Record<string, number>> = {
  float32: 4,
  int32: 4,
  bool: 1,
  uint8: 1,
  uint16: 2,
  float16: 2,
  complex64: 8,
};

const weightSchema = z.looseObject({
  name: z.string(),
  shape: z.array(z.number().int().min(0)),
  dtype: z.string(),
  quantization: z.looseObject({ dtype: z.string() }).optional(),
});

const modelJsonSchema = z.looseObject({
  format: z.string().nullish(),
  modelTopology: z.looseObject({}),
  weightsManifest: z
    .array(z.looseObject({ paths: z.array(z.string()), weights: z.array(weightSchema) }))
    .default([]),
  signature: z.looseObject({}).optional(),
});

export interface ModelJson {
  readonly form: 'graph' | 'layers';
  readonly handler: io.IOHandler;
}

/** @throws InferenceError RUNTIME_MODEL_BROKEN */
export async function readModelJson(directory: string, entry: string): Promise<ModelJson> {
  const path = entryFile(directory, entry);
  const parsed = modelJsonSchema.safeParse(parseJson(await readFile(path, 'utf8'), entry));
  if (!parsed.success) throw broken(`${entry} is no TensorFlow.js model: ${parsed.error.issues[0]!.message}`);
  const { format, modelTopology, weightsManifest, signature } = parsed.data;
  const folder = relative(directory, dirname(path));
  const shards: Buffer[] = [];
  for (const group of weightsManifest) {
    for (const name of group.paths) {
      shards.push(await readFile(namedFile(directory, folder === '' ? name : `${folder}/${name}`)));
    }
  }
  const weightSpecs = weightsManifest.flatMap(({ weights }) => weights) as io.WeightsManifestEntry[];
  const weightData = Buffer.concat(shards);
  checkSize(weightSpecs, weightData.length);
  const artifacts: io.ModelArtifacts = {
    modelTopology,
    weightSpecs,
    weightData: weightData.buffer.slice(weightData.byteOffset, weightData.byteOffset + weightData.length),
    ...(signature ? { signature } : {}),
  };
  const form = format === 'graph-model' || 'node' in modelTopology ? 'graph' : 'layers';
  return { form, handler: { load: () => Promise.resolve(artifacts) } };
}

function parseJson(text: string, entry: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw broken(`${entry} is not valid JSON; it may be cut off`);
  }
}

function checkSize(specs: readonly io.WeightsManifestEntry[], bytes: number): void {
  const sizes = specs.map(({ shape, dtype, quantization }) => {
    const size = BYTES[quantization?.dtype ?? dtype];
    return size === undefined ? null : shape.reduce((product, length) => product * length, size);
  });
  // Text weights carry their own lengths.
  if (sizes.includes(null)) return;
  const expected = sizes.reduce<number>((sum, size) => sum + size!, 0);
  if (bytes === expected) return;
  throw broken(`the weights hold ${bytes} bytes, the model needs ${expected}; a shard may be cut off`);
}

function broken(message: string): InferenceError {
  return new InferenceError('RUNTIME_MODEL_BROKEN', message);
}
