import { SeededRandom } from '@app/iam';
import { describe, expect, it } from 'vitest';
import type { Lifecycle } from '../lifecycle/lifecycle.js';
import { inTrainingOrder, measuredBags, recipesOf } from '../lifecycle/recipes.js';
import { SMALL } from '../lifecycle/settings.js';
import { drawWorld } from '../lifecycle/world.js';
import { compareRivals, recallOf } from './rivals.js';
import { ranks } from './scores.js';

const settings = { ...SMALL, vocabulary: 40, retained: 300, controls: 200, calibration: 200, fresh: 20 };

/** Models that are formulas: what a sample's probability is follows from whether the model was trained on it. */
function syntheticLifecycle(): Lifecycle {
  const random = new SeededRandom('synthetic');
  const glosses = Array.from({ length: 3000 }, (_none, i) => {
    const words = Int32Array.from({ length: 40 }, (_word, word) => word);
    random.shuffle(words);
    return { id: String(i), label: i % 45, words: [...words.subarray(0, 6)].map(String) };
  });
  const world = drawWorld(glosses, settings);
  const recipes = recipesOf(world, settings);
  const forgotten = world.requests.flatMap((bags, number) => bags.map(() => number));
  const models = inTrainingOrder(recipes).map(({ name }) => {
    const holds = recipes.releases.find((one) => one.name === name)?.holds ?? [];
    const member = [
      ...forgotten.map((request) => name === 'original' || holds.includes(request)),
      ...Array.from({ length: settings.calibration }, () => name === 'original'),
      ...Array.from({ length: settings.controls }, () => !name.startsWith('shadow')),
    ];
    const signals = Float64Array.from(member, (isMember) => {
      const hardness = random.nextUnit();
      return isMember ? 1 - 0.5 * hardness : 0.7 * hardness;
    });
    return [name, { folder: '', signals }] as const;
  });
  return {
    fingerprint: '',
    settings,
    world,
    recipes,
    models: new Map(models),
    measured: measuredBags(world, settings),
  };
}

describe('compareRivals', () => {
  const lifecycle = syntheticLifecycle();
  const rivals = compareRivals(lifecycle);

  it('puts IAM beside every second opinion', () => {
    expect(rivals.map(({ score }) => score)).toEqual([
      'iam',
      'loss',
      'ratio',
      'difference',
      'lira',
      'ratio_online',
      'lira_online',
      'update_lira',
      'rmia',
    ]);
  });

  it('finds exactly the requests that came back, where members are told from strangers', () => {
    const iam = rivals[0]!;
    const results = Object.fromEntries(iam.releases.map(({ release, result }) => [release, result]));
    expect(results).toMatchObject({
      'no-unlearning': 'FAILED',
      retrained: 'PASSED',
      'later-fine-tune': 'FAILED',
    });
    expect(iam.recurrence).toEqual({ found: lifecycle.world.returning, precision: 1, recall: 1 });
    expect(iam.releases.find(({ release }) => release === 'retrained')!.auc).toBeGreaterThan(0.85);
    expect(iam.releases[0]!.auc).toBeCloseTo(0.5, 1);
  });
});

describe('figures', () => {
  it('rank values, equals alike', () => {
    expect([...ranks(Float64Array.of(5, -1, 5, 7))]).toEqual([0.5, 0.125, 0.5, 0.875]);
  });

  it('give precision and recall, and no precision where nothing was found', () => {
    expect(recallOf([1, 2, 3], [2, 3, 4, 5])).toEqual({ found: [1, 2, 3], precision: 2 / 3, recall: 0.5 });
    expect(recallOf([], [2])).toEqual({ found: [], precision: null, recall: 0 });
  });
});
