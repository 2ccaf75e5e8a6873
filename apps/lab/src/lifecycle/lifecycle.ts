/** The lifecycle experiment, ready to be verified: who is who, and where each trained model lies. */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { Bag } from '../wordnet/bags.js';
import { readGlosses } from '../wordnet/read-glosses.js';
import { artifactFolder, readSignals } from './model-cache.js';
import { inTrainingOrder, measuredBags, type Recipe, type Recipes, recipesOf } from './recipes.js';
import type { LifecycleSettings } from './settings.js';
import { trainModels, type TrainingProgress } from './train-models.js';
import { drawWorld, type World } from './world.js';

export interface TrainedModel {
  /** Folder with `model.json` and `weights.bin`. */
  readonly folder: string;
  /** The lab's own probabilities of the true class, in the order of {@link Lifecycle.measured}. */
  readonly signals: Float64Array;
}

export interface Lifecycle {
  /** Short digest of everything that made the models: runs of the same experiment share it. */
  readonly fingerprint: string;
  readonly settings: LifecycleSettings;
  readonly world: World;
  readonly recipes: Recipes;
  /** Samples that verifications look at: forgotten by request, calibration, controls. */
  readonly measured: readonly Bag[];
  /** By the recipe's name. */
  readonly models: ReadonlyMap<string, TrainedModel>;
}

/**
 * Reads WordNet, draws the samples, trains the models that the cache below `root` lacks.
 * @throws LabError
 */
export async function prepareLifecycle(
  settings: LifecycleSettings,
  root: string,
  onProgress: (progress: TrainingProgress) => void,
): Promise<Lifecycle> {
  const world = drawWorld(await readGlosses(), settings);
  const recipes = recipesOf(world, settings);
  const folders = await trainModels({ world, settings, recipes, root, onProgress });
  const models = await Promise.all(
    inTrainingOrder(recipes).map(async ({ name }: Recipe): Promise<[string, TrainedModel]> => {
      const folder = folders.get(name)!;
      return [name, { folder: artifactFolder(folder), signals: await readSignals(folder) }];
    }),
  );
  const names = [...folders.values()].map((folder) => basename(folder));
  const fingerprint = createHash('sha256').update(names.join()).digest('hex').slice(0, 8);
  return {
    fingerprint,
    settings,
    world,
    recipes,
    models: new Map(models),
    measured: measuredBags(world, settings),
  };
}
