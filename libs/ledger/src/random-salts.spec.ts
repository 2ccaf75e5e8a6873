import { describe, expect, it } from 'vitest';
import { randomSalts } from './random-salts.js';

describe('randomSalts', () => {
  it.each([1, 3, 127, 128, 129, 5000])('gives %i salts at a time, none of them twice', (count) => {
    const seen = new Set<string>();
    const draws = Math.ceil(1000 / count);
    for (let draw = 0; draw < draws; draw += 1) {
      const salts = randomSalts(count);
      expect(salts.length).toBe(count * 32);
      for (let at = 0; at < salts.length; at += 32) seen.add(salts.toString('hex', at, at + 32));
    }
    expect(seen.size).toBe(draws * count);
  });

  it('keeps what it gave, whatever is drawn later', () => {
    const first = randomSalts(1);
    const before = Buffer.from(first);
    for (let draw = 0; draw < 1000; draw += 1) randomSalts(1);
    expect(first).toEqual(before);
  });
});
