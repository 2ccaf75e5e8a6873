/** Glosses as bags of words: what the lab's classifiers see. Pure; proven by bags.spec.ts. */
import type { Gloss } from './gloss.js';

export interface Bag {
  readonly id: string;
  readonly label: number;
  /** Places in the vocabulary, ascending. */
  readonly words: readonly number[];
}

/** With fewer known words a gloss says so little that glosses of different classes look the same. */
const LEAST_WORDS = 4;

/** Returns the `size` words that the most glosses have, the most frequent first; equals in alphabetical order. */
export function vocabularyOf(glosses: readonly Gloss[], size: number): string[] {
  const frequency = new Map<string, number>();
  for (const { words } of glosses)
    for (const word of words) frequency.set(word, (frequency.get(word) ?? 0) + 1);
  return [...frequency]
    .sort(([word, count], [other, others]) => others - count || (word < other ? -1 : 1))
    .slice(0, size)
    .map(([word]) => word);
}

/**
 * Returns the glosses that have at least four words of the vocabulary, each bag of words once: a second gloss with the
 * same bag would put a "forgotten" sample back into the training data under another name.
 */
export function distinctBags(glosses: readonly Gloss[], vocabulary: readonly string[]): Bag[] {
  const place = new Map(vocabulary.map((word, index) => [word, index]));
  const seen = new Set<string>();
  const bags: Bag[] = [];
  for (const { id, label, words } of glosses) {
    const known = words.flatMap((word) => place.get(word) ?? []).sort((one, other) => one - other);
    const key = known.join();
    if (known.length < LEAST_WORDS || seen.has(key)) continue;
    seen.add(key);
    bags.push({ id, label, words: known });
  }
  return bags;
}

/** Returns the bags as rows of zeros and ones, row-major `[bags x vocabulary]`. */
export function denseRows(bags: readonly Bag[], vocabulary: number): Float32Array {
  const rows = new Float32Array(bags.length * vocabulary);
  bags.forEach(({ words }, row) => {
    for (const word of words) rows[row * vocabulary + word] = 1;
  });
  return rows;
}
