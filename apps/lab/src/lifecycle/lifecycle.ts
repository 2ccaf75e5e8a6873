/** The lifecycle experiment, ready to be verified: who is who, and where each trained model lies. */
import { readGlosses } from '../wordnet/read-glosses.js';
import { artifactFolder, readSignals } from './model-cache.js';
import { inTrainingOrder, type Recipe, type Recipes, recipesOf } from './recipes.js';
import type { LifecycleSettings } from './settings.js';
import { trainModels, type TrainingProgress } from './train-models.js';
import { drawWorld, type World } from './world.js';

export interface TrainedModel {
  /** Folder with `model.json` and `weights.bin`. */
  readonly folder: string;
  /** The lab's own probabilities of the true class, in the order of measuredBags. */
  readonly signals: Float64Array;
}

export interface Lifecycle {
  readonly settings: LifecycleSettings;
  readonly world: World;
  readonly recipes: Recipes;
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
  return { settings, world, recipes, models: new Map(models) };
}
