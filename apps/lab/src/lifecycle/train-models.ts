/** Trains what the cache lacks, two models at a time, each in a process of its own. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LabError } from '../errors.js';
import { isTrained, modelFolders } from './model-cache.js';
import { inTrainingOrder, type Recipe, type Recipes } from './recipes.js';
import type { LifecycleSettings } from './settings.js';
import type { TrainingNews, TrainingOrder } from './train-child.js';
import type { World } from './world.js';

/** More would fight for memory bandwidth, and the machine may have two cores. */
const MOST_PROCESSES = 2;

export interface TrainingRequest {
  readonly world: World;
  readonly settings: LifecycleSettings;
  readonly recipes: Recipes;
  /** Where trained models are kept. */
  readonly root: string;
  readonly onProgress: (progress: TrainingProgress) => void;
}

export interface TrainingProgress {
  readonly name: string;
  readonly epoch: number;
  readonly epochs: number;
}

/**
 * Returns the folder of every model by its name.
 * @throws LabError `LAB_TRAINING_FAILED`
 */
export async function trainModels(request: TrainingRequest): Promise<Map<string, string>> {
  const { world, settings, root, recipes } = request;
  await mkdir(root, { recursive: true });
  const order = inTrainingOrder(recipes);
  const folders = modelFolders(order, settings, root);
  const missing = order.filter(({ name }) => !isTrained(folders.get(name)!));
  if (missing.length === 0) return folders;
  const input = join(root, `world-${String(process.pid)}.json`);
  await writeFile(input, JSON.stringify({ world, settings }));
  const lanes = Array.from({ length: Math.min(MOST_PROCESSES, availableParallelism(), missing.length) }, () =>
    fork(join(dirname(fileURLToPath(import.meta.url)), 'train-child.js'), [input]),
  );
  try {
    await trainInLanes(lanes, missing, folders, request.onProgress);
  } finally {
    for (const lane of lanes) lane.kill();
  }
  return folders;
}

async function trainInLanes(
  lanes: readonly ChildProcess[],
  missing: readonly Recipe[],
  folders: ReadonlyMap<string, string>,
  onProgress: TrainingRequest['onProgress'],
): Promise<void> {
  const waiting = missing.values();
  const running = new Map<string, Promise<void>>();
  await Promise.all(
    lanes.map(async (lane) => {
      for (const recipe of waiting) {
        const { name, from } = recipe;
        const job = (async () => {
          // Parents come first in the order, so whoever trains this one's parent has begun already.
          if (from !== null) await running.get(from);
          const parent = from === null ? null : folders.get(from)!;
          await trainOne(lane, { name, folder: folders.get(name)!, parent }, (epoch) =>
            onProgress({ name, epoch, epochs: recipe.epochs }),
          );
        })();
        running.set(name, job);
        await job;
      }
    }),
  );
}

function trainOne(lane: ChildProcess, order: TrainingOrder, onEpoch: (epoch: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (reason: string | null) => {
      lane.off('message', listen).off('exit', ended);
      if (reason === null) resolve();
      else
        reject(new LabError('LAB_TRAINING_FAILED', `training of ${order.name} did not succeed: ${reason}`));
    };
    const listen = (news: TrainingNews) => {
      if (news.type === 'epoch') onEpoch(news.epoch);
      else settle(news.type === 'done' ? null : news.reason);
    };
    const ended = (code: number | null, signal: string | null) =>
      settle(`its process ended (${String(code ?? signal)})`);
    lane.on('message', listen).on('exit', ended);
    lane.send(order);
  });
}
