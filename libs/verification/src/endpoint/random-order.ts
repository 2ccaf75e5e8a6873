import type { SeededRandom } from '@app/iam';

/**
 * Yields the numbers below `count`, each once, in a random order: Fisher and Yates, with memory for what was yielded only.
 * @param count at most 2^32
 */
export function* randomOrder(count: number, random: SeededRandom): Generator<number> {
  const moved = new Map<number, number>();
  for (let next = 0; next < count; next += 1) {
    const drawn = next + random.nextBelow(count - next);
    yield moved.get(drawn) ?? drawn;
    moved.set(drawn, moved.get(next) ?? next);
    moved.delete(next);
  }
}
