import { SeededRandom } from '@app/iam';
import { describe, expect, it } from 'vitest';
import { SMALL } from './settings.js';
import { drawWorld } from './world.js';

const random = new SeededRandom(1);
/** Glosses of six words out of forty. */
const glosses = Array.from({ length: 2000 }, (_none, i) => {
  const words = Int32Array.from({ length: 40 }, (_word, word) => word);
  random.shuffle(words);
  return {
    id: `noun-${String(i)}`,
    label: i % 45,
    words: [...words.subarray(0, 6)].map((word) => `w${String(word)}`),
  };
});
const settings = { ...SMALL, retained: 60, controls: 30, calibration: 20, fresh: 20 };

describe('drawWorld', () => {
  it('gives every sample one role', () => {
    const { retained, requests, calibration, fresh, shadows } = drawWorld(glosses, settings);
    const all = [retained, ...requests, calibration, fresh, ...shadows].flat();
    expect(all).toHaveLength(60 + 100 + 20 + 20 + 160);
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    expect(new Set(all.map(({ words }) => words.join())).size).toBe(all.length);
  });

  it('brings exactly half of the requests back, not always the first ones', () => {
    const { returning } = drawWorld(glosses, settings);
    expect(new Set(returning).size).toBe(5);
    expect(returning).not.toEqual([0, 1, 2, 3, 4]);
    expect(returning.every((number) => number >= 0 && number < 10)).toBe(true);
  });

  it('depends on the seed and on nothing else', () => {
    expect(drawWorld(glosses, settings)).toEqual(drawWorld(glosses, settings));
    expect(drawWorld(glosses, { ...settings, seed: 'other' }).retained).not.toEqual(
      drawWorld(glosses, settings).retained,
    );
  });

  it('refuses to draw more than there is', () => {
    expect(() => drawWorld(glosses.slice(0, 200), settings)).toThrow(
      expect.objectContaining({ code: 'LAB_DATA_TOO_SMALL' }) as Error,
    );
  });
});
