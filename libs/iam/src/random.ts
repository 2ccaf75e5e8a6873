/**
 * Seeded, platform-independent random numbers: the resampled p-values of a release must come out the same, bit for
 * bit, for everybody who recomputes them. Integer arithmetic only, so there is nothing for a platform to round.
 * Generator: xoshiro128** 1.1 (Blackman and Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 2021),
 * state expanded from the seed's text by FNV-1a and the murmur3 finaliser. Not for keys. Proven by random.spec.ts.
 */
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const TWO_32 = 2 ** 32;

/** Murmur3's 32-bit finaliser: every input bit reaches every output bit. */
function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

const rotateLeft = (x: number, by: number): number => (x << by) | (x >>> (32 - by));

export class SeededRandom {
  private readonly state = new Int32Array(4);

  /** @param seed any text or number; equal seeds give equal streams, `7` and `'7'` are the same seed. */
  constructor(seed: string | number) {
    let hash = FNV_OFFSET;
    for (const unit of String(seed)) hash = Math.imul(hash ^ (unit.codePointAt(0) ?? 0), FNV_PRIME);
    for (let i = 0; i < 4; i++) {
      hash = mix((hash + 0x9e3779b9) | 0);
      this.state[i] = hash;
    }
    // The all-zero state is the one fixed point of xoshiro: it would return 0 for ever.
    if (this.state.every((word) => word === 0)) this.state[0] = 1;
  }

  /** A uniform integer in [0, 2^32). */
  nextUint32(): number {
    const s = this.state;
    const result = Math.imul(rotateLeft(Math.imul(s[1]!, 5), 7), 9);
    const shifted = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= shifted;
    s[3] = rotateLeft(s[3]!, 11);
    return result >>> 0;
  }

  /** A uniform integer in [0, bound), without modulo bias; `bound` in [1, 2^32]. */
  nextBelow(bound: number): number {
    // Quotients of integers below 2^53 are exact enough to be cut, and four times as fast as the remainder of doubles.
    const limit = Math.floor(TWO_32 / bound) * bound;
    let draw = this.nextUint32();
    while (draw >= limit) draw = this.nextUint32();
    return draw - Math.floor(draw / bound) * bound;
  }

  /** A uniform number in [0, 1) with 53 random bits. */
  nextUnit(): number {
    return ((this.nextUint32() >>> 5) * 2 ** 26 + (this.nextUint32() >>> 6)) / 2 ** 53;
  }

  /**
   * The first `count` steps of a shuffle from the front: afterwards the first `count` of `items` are a uniform subset of all,
   * whatever order they were in. As many {@link nextBelow} of falling bounds, with the state in registers.
   */
  drawFirst(items: Int32Array, count: number): void {
    const state = this.state;
    let [a, b, c, d] = [state[0]!, state[1]!, state[2]!, state[3]!];
    for (let i = 0; i < count; i++) {
      const bound = items.length - i;
      const limit = Math.floor(TWO_32 / bound) * bound;
      let draw: number;
      do {
        draw = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
        const shifted = b << 9;
        c ^= a;
        d ^= b;
        b ^= c;
        a ^= d;
        c ^= shifted;
        d = rotateLeft(d, 11);
      } while (draw >= limit);
      const j = i + draw - Math.floor(draw / bound) * bound;
      const drawn = items[j]!;
      items[j] = items[i]!;
      items[i] = drawn;
    }
    state[0] = a;
    state[1] = b;
    state[2] = c;
    state[3] = d;
  }

  /** Shuffles `items` in place (Fisher and Yates): every order is equally likely. */
  shuffle(items: Int32Array | Float64Array): void {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.nextBelow(i + 1);
      const kept = items[i]!;
      items[i] = items[j]!;
      items[j] = kept;
    }
  }
}
