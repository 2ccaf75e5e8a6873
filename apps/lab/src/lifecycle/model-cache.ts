/**
 * Trained models by what made them: a run that was cut short, or a second one, trains only what is missing. A model
 * appears under its name in one step (rename), so a folder that is there is complete.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Recipe } from './recipes.js';
import type { LifecycleSettings } from './settings.js';

const SIGNALS = 'signals.json';

/** Raise it when training itself changes, or old models pass for new ones. */
const TRAINING_VERSION = 1;

/** Folder names by model name: the recipe, its data, and all of that for the model it starts from. */
export function modelFolders(
  recipes: readonly Recipe[],
  settings: LifecycleSettings,
  root: string,
): Map<string, string> {
  const digests = new Map<string, string>();
  const { vocabulary, hidden, batch, seed } = settings;
  for (const recipe of recipes) {
    const { name, from, data, epochs, learningRate, direction } = recipe;
    const parent = from === null ? null : digests.get(from)!;
    const made = { vocabulary, hidden, batch, seed, name, parent, epochs, learningRate, direction, data };
    const content = [TRAINING_VERSION, made];
    digests.set(name, createHash('sha256').update(JSON.stringify(content)).digest('hex'));
  }
  return new Map([...digests].map(([name, digest]) => [name, join(root, `${name}-${digest.slice(0, 12)}`)]));
}

/** Where a model's files lie: beside {@link SIGNALS}, in a folder of their own, which is what gets uploaded. */
export const artifactFolder = (folder: string): string => join(folder, 'model');

/** Writes a model under its name in one step; `write` gets the artifact's folder. */
export async function storeModel(
  folder: string,
  signals: Float64Array,
  write: (artifact: string) => Promise<void>,
): Promise<void> {
  const unfinished = `${folder}.unfinished-${String(process.pid)}`;
  await mkdir(artifactFolder(unfinished), { recursive: true });
  await write(artifactFolder(unfinished));
  await writeFile(join(unfinished, SIGNALS), JSON.stringify([...signals]));
  await rename(unfinished, folder).catch((error: NodeJS.ErrnoException) => {
    // Another run finished the same model first.
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  });
  await rm(unfinished, { recursive: true, force: true });
}

export const isTrained = (folder: string): boolean => existsSync(join(folder, SIGNALS));

/** True-class probabilities in the order of measuredBags, `[samples]`. */
export async function readSignals(folder: string): Promise<Float64Array> {
  return Float64Array.from(JSON.parse(await readFile(join(folder, SIGNALS), 'utf8')) as number[]);
}
