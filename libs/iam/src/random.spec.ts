import { describe, expect, it } from 'vitest';
import { SeededRandom } from './random.js';

describe('SeededRandom', () => {
  it('repeats its stream for a seed, whether text or number, and not for another', () => {
    const draw = (seed: string | number): number[] => {
      const random = new SeededRandom(seed);
      return Array.from({ length: 5 }, () => random.nextUint32());
    };
    expect(draw(7)).toEqual(draw('7'));
    expect(draw(7)).not.toEqual(draw(8));
    expect(draw('release/10')).not.toEqual(draw('release/01'));
  });

  it('keeps its published stream: attested p-values depend on it', () => {
    const random = new SeededRandom('lacuna');
    expect(Array.from({ length: 4 }, () => random.nextUint32())).toMatchInlineSnapshot(`
      [
        195758938,
        717293790,
        713002025,
        1944164295,
      ]
    `);
  });

  it('draws every value below the bound equally often', () => {
    const random = new SeededRandom('uniform');
    const counts = new Array<number>(7).fill(0);
    for (let i = 0; i < 70_000; i++) counts[random.nextBelow(7)]!++;
    // Chi-square with 6 degrees of freedom: 22.46 is exceeded with probability 0.001.
    const chiSquare = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
    expect(chiSquare).toBeLessThan(22.46);
  });

  it('draws units in [0, 1) with the right mean and variance', () => {
    const random = new SeededRandom('unit');
    const draws = Float64Array.from({ length: 50_000 }, () => random.nextUnit());
    expect(draws.every((draw) => draw >= 0 && draw < 1)).toBe(true);
    const mean = draws.reduce((sum, draw) => sum + draw, 0) / draws.length;
    const variance = draws.reduce((sum, draw) => sum + (draw - mean) ** 2, 0) / draws.length;
    expect(mean).toBeCloseTo(0.5, 2);
    expect(variance).toBeCloseTo(1 / 12, 2);
  });

  it('draws the first of a shuffle as one draw after another would, rejected draws included', () => {
    const [together, single] = [new SeededRandom('first'), new SeededRandom('first')];
    for (const length of [1, 2, 100, 3_001]) {
      const items = Int32Array.from({ length }, (_, i) => i);
      const expected = items.slice();
      for (let round = 0; round < 50; round += 1) {
        const count = Math.min(length, 40);
        for (let i = 0; i < count; i++) {
          const j = i + single.nextBelow(length - i);
          [expected[i], expected[j]] = [expected[j]!, expected[i]!];
        }
        together.drawFirst(items, count);
      }
      expect(items).toEqual(expected);
    }
    expect(together.nextUint32()).toBe(single.nextUint32());
  });

  it('reaches every order of three equally often', () => {
    const random = new SeededRandom('orders');
    const counts = new Map<string, number>();
    for (let i = 0; i < 12_000; i++) {
      const items = Int32Array.of(0, 1, 2);
      random.shuffle(items);
      const order = items.join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    // Chi-square with 5 degrees of freedom: 20.52 is exceeded with probability 0.001.
    const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - 2_000) ** 2 / 2_000, 0);
    expect(chiSquare).toBeLessThan(20.52);
  });
});
