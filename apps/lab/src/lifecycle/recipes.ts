/** How each model of the lifecycle comes about: its data, where it starts, what it is. Pure; recipes.spec.ts. */
import type { Bag } from '../wordnet/bags.js';
import type { LifecycleSettings } from './settings.js';
import type { World } from './world.js';

export interface Recipe {
  readonly name: string;
  /** What it is, in words. */
  readonly what: string;
  /** Name of the model whose weights it starts from; null: random weights. */
  readonly from: string | null;
  readonly data: readonly Bag[];
  readonly epochs: number;
  readonly learningRate: number;
  readonly direction: 'descent' | 'ascent';
}

/** A model that is registered as a release, with the truth that a verification is held against. */
export interface ReleaseRecipe extends Recipe {
  /** Numbers of the requests whose samples it was trained on; null where unlearning is only approximate. */
  readonly holds: readonly number[] | null;
}

export interface Recipes {
  /** Knows all of retained, forgotten and calibration samples: the IN reference. No release. */
  readonly original: Recipe;
  readonly shadows: readonly Recipe[];
  /** In the order of registration. */
  readonly releases: readonly ReleaseRecipe[];
}

export function recipesOf(world: World, settings: LifecycleSettings): Recipes {
  const { retained, calibration, fresh, returning } = world;
  const forgotten = world.requests.flat();
  const scratch = {
    from: null,
    epochs: settings.epochs,
    learningRate: settings.learningRate,
    direction: 'descent' as const,
  };
  return {
    original: {
      ...scratch,
      name: 'original',
      what: 'the model before unlearning: retained, forgotten and calibration samples',
      data: [...retained, ...forgotten, ...calibration],
    },
    shadows: world.shadows.map((data, number) => ({
      ...scratch,
      name: `shadow-${String(number + 1)}`,
      what: 'trained on other glosses',
      data,
    })),
    releases: releasesOf(world, settings, {
      scratch,
      forgotten,
      back: returning.flatMap((one) => world.requests[one]!),
      fresh,
    }),
  };
}

interface Parts {
  readonly scratch: Pick<Recipe, 'from' | 'epochs' | 'learningRate' | 'direction'>;
  readonly forgotten: readonly Bag[];
  readonly back: readonly Bag[];
  readonly fresh: readonly Bag[];
}

/** The sound release comes after the unsound ones, so that what shows up again afterwards is the later fine-tune's doing. */
function releasesOf(
  { retained, requests, returning }: World,
  { ascent, fineTuneEpochs, laterEpochs }: LifecycleSettings,
  { scratch, forgotten, back, fresh }: Parts,
): ReleaseRecipe[] {
  return [
    {
      ...scratch,
      name: 'no-unlearning',
      what: 'no unlearning at all: retained and forgotten samples',
      data: [...retained, ...forgotten],
      holds: [...requests.keys()],
    },
    {
      ...scratch,
      name: 'fine-tuned',
      what: 'the first one, trained on with the retained samples',
      from: 'no-unlearning',
      data: retained,
      epochs: fineTuneEpochs,
      holds: null,
    },
    {
      name: 'gradient-ascent',
      what: 'the first one, with the forgotten samples made unlikely',
      from: 'no-unlearning',
      data: forgotten,
      ...ascent,
      direction: 'ascent',
      holds: null,
    },
    {
      ...scratch,
      name: 'retrained',
      what: 'trained again without the forgotten samples',
      data: retained,
      holds: [],
    },
    {
      ...scratch,
      name: 'later-fine-tune',
      what: 'the retrained one, trained on with new data that hold half of the forgotten samples',
      from: 'retrained',
      data: [...fresh, ...back],
      epochs: laterEpochs,
      holds: returning,
    },
  ];
}

/** All of them in an order in which each comes after the model that it starts from, the longest chains first. */
export function inTrainingOrder({ original, shadows, releases }: Recipes): Recipe[] {
  const fromScratch = releases.filter(({ from }) => from === null);
  const derived = releases.filter(({ from }) => from !== null);
  return [...fromScratch, original, ...shadows, ...derived];
}

/** Samples that verifications look at, in this order: forgotten by request, calibration, controls. */
export function measuredBags(world: World, settings: LifecycleSettings): Bag[] {
  return [...world.requests.flat(), ...world.calibration, ...world.retained.slice(0, settings.controls)];
}
