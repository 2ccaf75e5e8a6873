import { describe, expect, it } from 'vitest';
import { denseRows, distinctBags, vocabularyOf } from './bags.js';

const gloss = (id: string, label: number, text: string) => ({ id, label, words: text.split(' ') });

describe('bags of words', () => {
  const glosses = [
    gloss('a', 1, 'the large dog of town'),
    gloss('b', 2, 'of the town large dog'),
    gloss('c', 3, 'the small dog of town'),
    gloss('d', 4, 'the dog'),
  ];

  it('takes the words most glosses have, equals in alphabetical order', () => {
    expect(vocabularyOf(glosses, 6)).toEqual(['dog', 'the', 'of', 'town', 'large', 'small']);
    expect(vocabularyOf(glosses, 3)).toEqual(['dog', 'the', 'of']);
  });

  it('keeps a bag once, whatever its class, and leaves out what has too few words', () => {
    const bags = distinctBags(glosses, vocabularyOf(glosses, 6));
    expect(bags).toEqual([
      { id: 'a', label: 1, words: [0, 1, 2, 3, 4] },
      { id: 'c', label: 3, words: [0, 1, 2, 3, 5] },
    ]);
  });

  it('writes rows of zeros and ones', () => {
    const bags = [
      { id: 'a', label: 0, words: [0, 2] },
      { id: 'b', label: 0, words: [1] },
    ];
    expect([...denseRows(bags, 3)]).toEqual([1, 0, 1, 0, 1, 0]);
  });
});
