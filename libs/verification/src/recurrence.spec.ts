import { describe, expect, it } from 'vitest';
import type { RequestVerdict } from './decision.js';
import { findRecurrences } from './recurrence.js';

const WORDS: Record<string, RequestVerdict> = {
  c: 'NO_RESIDUAL_EVIDENCE',
  o: 'OVER_UNLEARNED',
  r: 'RESIDUAL',
  i: 'INCONCLUSIVE',
  u: 'UNSCORABLE',
};

/** One letter a release, named by its place. */
const recurrencesOf = (letters: string): string[] =>
  findRecurrences([...letters].map((letter, i) => ({ releaseId: String(i), verdict: WORDS[letter]! }))).map(
    ({ lastClean, unclear, firstBad }) => `${lastClean}>${unclear.join(',')}>${firstBad}`,
  );

describe('findRecurrences', () => {
  it.each([
    ['', []],
    ['c', []],
    ['r', []],
    ['rrr', []],
    ['rc', []],
    ['cr', ['0>>1']],
    ['or', ['0>>1']],
    ['crr', ['0>>1']],
    ['cccr', ['2>>3']],
    ['ciur', ['0>1,2>3']],
    ['icr', ['1>>2']],
    ['crircr', ['0>>1', '4>>5']],
    ['rcirci', ['1>2>3']],
  ])('of %s are %j', (letters, expected) => expect(recurrencesOf(letters)).toEqual(expected));
});
