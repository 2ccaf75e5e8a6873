/** A process that trains one model after another for train-models.ts, which says which. Ends when its parent does. */
import { readFileSync } from 'node:fs';
import { newClassifier, train, trueClassProbabilities } from '../training/classifier.js';
import { loadModel, saveModel } from '../training/saved-model.js';
import { startTensorflow } from '../training/tensorflow.js';
import { artifactFolder, storeModel } from './model-cache.js';
import { inTrainingOrder, measuredBags, recipesOf } from './recipes.js';
import type { LifecycleSettings } from './settings.js';
import type { World } from './world.js';

export interface TrainingOrder {
  readonly name: string;
  readonly folder: string;
  /** Folder of the model to start from. */
  readonly parent: string | null;
}

export type TrainingNews =
  | { readonly type: 'epoch'; readonly epoch: number }
  | { readonly type: 'done' }
  | { readonly type: 'failed'; readonly reason: string };

const tell = (news: TrainingNews): void => void process.send?.(news);

async function fulfil({ name, folder, parent }: TrainingOrder): Promise<void> {
  const { world, settings } = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as {
    world: World;
    settings: LifecycleSettings;
  };
  await startTensorflow();
  const recipe = inTrainingOrder(recipesOf(world, settings)).find((one) => one.name === name)!;
  const model = parent
    ? await loadModel(artifactFolder(parent))
    : newClassifier(settings, `${settings.seed}/${name}/weights`);
  const training = { ...recipe, batch: settings.batch, seed: `${settings.seed}/${name}/order` };
  train(model, settings.vocabulary, training, (epoch) => tell({ type: 'epoch', epoch }));
  const signals = trueClassProbabilities(model, measuredBags(world, settings), settings.vocabulary);
  await storeModel(folder, signals, (artifact) => saveModel(model, artifact));
  model.dispose();
}

process.on('disconnect', () => process.exit(0));
process.on('message', (order: TrainingOrder) => {
  fulfil(order).then(
    () => tell({ type: 'done' }),
    (error: unknown) => tell({ type: 'failed', reason: String(error) }),
  );
});
