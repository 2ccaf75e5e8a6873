import { describe, expect, it } from 'vitest';
import { parseDataFile } from './gloss.js';

const LICENCE = '  1 This software and database is being provided to you, the LICENSEE, by  \n';

describe('parseDataFile', () => {
  it('reads class and different words of each gloss', () => {
    const text = `${LICENCE}00001740 03 n 01 entity 0 001 ~ 00001930 n 0000 | that which is known, e.g. "That dog"  \n`;
    expect(parseDataFile('noun', text)).toEqual([
      { id: 'noun-00001740', label: 3, words: ['that', 'which', 'is', 'known', 'dog'] },
    ]);
  });

  it('keeps the satellite adjectives', () => {
    const [gloss] = parseDataFile('adj', '00003131 00 s 01 abaxial 0 000 | facing away  \n');
    expect(gloss).toMatchObject({ id: 'adj-00003131', label: 0 });
  });

  it.each([
    ['no synset', 'x'],
    ['no gloss', '00001740 03 n 01 entity 0 000 '],
    ['no such class', '00001740 45 n 01 entity 0 000 | known '],
  ])('refuses a line that is %s, by its number', (_what, line) => {
    expect(() => parseDataFile('noun', `${LICENCE}${line}\n`)).toThrow(
      expect.objectContaining({ code: 'LAB_DATA_UNUSABLE', details: { line: 2 } }) as Error,
    );
  });
});
