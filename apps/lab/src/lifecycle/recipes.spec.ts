import { SeededRandom } from '@app/iam';
import { describe, expect, it } from 'vitest';
import { modelFolders } from './model-cache.js';
import { inTrainingOrder, measuredBags, recipesOf } from './recipes.js';
import { SMALL } from './settings.js';
import { drawWorld } from './world.js';

const random = new SeededRandom(1);
const settings = { ...SMALL, vocabulary: 40, retained: 60, controls: 30, calibration: 20, fresh: 20 };
const glosses = Array.from({ length: 1000 }, (_none, i) => {
  const words = Int32Array.from({ length: 40 }, (_word, word) => word);
  random.shuffle(words);
  return { id: String(i), label: i % 45, words: [...words.subarray(0, 6)].map((word) => `w${String(word)}`) };
});
const world = drawWorld(glosses, settings);
const recipes = recipesOf(world, settings);
const ids = (bags: readonly { readonly id: string }[]) => new Set(bags.map(({ id }) => id));
const overlap = (one: Set<string>, other: Set<string>) => [...one].filter((id) => other.has(id)).length;

describe('recipes', () => {
  it('train no shadow on anything that is measured, and no release on calibration', () => {
    const measured = ids(measuredBags(world, settings));
    expect(measured.size).toBe(150);
    for (const shadow of recipes.shadows) expect(overlap(ids(shadow.data), measured)).toBe(0);
    const calibration = ids(world.calibration);
    expect(overlap(ids(recipes.original.data), calibration)).toBe(20);
    for (const { data } of recipes.releases) expect(overlap(ids(data), calibration)).toBe(0);
  });

  it('state the truth: a release holds exactly the requests whose samples were in its data', () => {
    const whole = (name: string): Set<string> => {
      const { from, data } = recipes.releases.find((one) => one.name === name)!;
      return new Set([...(from ? whole(from) : []), ...ids(data)]);
    };
    for (const { name, holds } of recipes.releases.filter((one) => one.holds !== null)) {
      const trained = whole(name);
      const held = world.requests.map((bags) => overlap(ids(bags), trained));
      expect(held).toEqual(world.requests.map((_bags, number) => (holds!.includes(number) ? 10 : 0)));
    }
  });

  it('come after the model that they start from', () => {
    const order = inTrainingOrder(recipes);
    expect(order).toHaveLength(7);
    order.forEach(({ from }, place) => {
      if (from) expect(order.slice(0, place).map(({ name }) => name)).toContain(from);
    });
  });

  it('name a model by all that makes it: its parent too, but not the description', () => {
    const order = inTrainingOrder(recipes);
    const before = modelFolders(order, settings, '/r');
    const described = order.map((recipe) => ({ ...recipe, what: '' }));
    expect(modelFolders(described, settings, '/r')).toEqual(before);
    const longer = order.map((recipe) => (recipe.name === 'retrained' ? { ...recipe, epochs: 99 } : recipe));
    const after = modelFolders(longer, settings, '/r');
    const changed = [...before.keys()].filter((name) => before.get(name) !== after.get(name));
    expect(changed.sort()).toEqual(['later-fine-tune', 'retrained']);
  });
});
