/**
 * SHA-256 (FIPS 180-4) of many messages in one call, four at once in the lanes of vector registers. `hash` of node:crypto does
 * one message faster, but each call of it costs about what two blocks cost here, and a string for the garbage collector.
 * The function is WebAssembly, put together below from the formulas of the standard. Proven by sha256-lanes.spec.ts.
 */
import { type Code, get, i32, lanes, repeatWhile, set, wasmModule } from './wasm-code.js';

export const BLOCK_BYTES = 64;
/** Messages are hashed in groups of so many. */
export const LANES = 4;
const PAGE_BYTES = 65_536;
const ROUNDS = 64;
/** Words of a block, and rounds that are written out: after so many all variables are back in their places. */
const WORDS = 16;
const WORD_BYTES = 4;
const LENGTH_BYTES = 8;
const PADDING = 0x80;

/** The first 32 bits of the fractional part. */
const fraction = (value: number): number => Math.floor((value - Math.floor(value)) * 2 ** 32);
const PRIMES = Array.from({ length: 312 }, (_, n) => n).filter(
  (n) => n > 1 && !Array.from({ length: n }, (_, divisor) => divisor).some((d) => d > 1 && n % d === 0),
);
/** Section 4.2.2. */
const ROUND_CONSTANTS = PRIMES.slice(0, ROUNDS).map((prime) => fraction(Math.cbrt(prime)));
/** Section 5.3.3. */
const INITIAL = PRIMES.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));

// Parameters, then locals.
const [SOURCE, STRIDE, COUNTS, GROUPS, TARGET, STEP, PAIR] = [0, 1, 2, 3, 4, 5, 6] as const;
const PARAMETERS = 7;
const MESSAGES = [7, 8, 9, 10] as const;
const [BLOCK, BLOCKS, ROUND] = [11, 12, 13] as const;
const STATE = 14;
const VARIABLE = 22;
const WORD = 30;
const LENGTHS = 46;
const SCRATCH = 47;
const VECTORS = 34;

const word = (t: number) => WORD + (t % WORDS);
const sum = (...terms: Code[]) => terms.reduce((total, term) => lanes.add(total, term));
const rotate = (x: Code, bits: number) => lanes.or(lanes.shiftRight(x, bits), lanes.shiftLeft(x, 32 - bits));
const mix = (one: Code, two: Code, three: Code) => lanes.xor(lanes.xor(one, two), three);
const bigSigma = (x: Code, a: number, b: number, c: number) => mix(rotate(x, a), rotate(x, b), rotate(x, c));
const sigma = (x: Code, a: number, b: number, shift: number) =>
  mix(rotate(x, a), rotate(x, b), lanes.shiftRight(x, shift));
const majority = (x: Code, y: Code, z: Code) => lanes.choose(lanes.xor(x, y), z, y);

/** Section 6.2.2, step 1 for t >= 16, in place of the word 16 before. */
const extend = (t: number): Code =>
  set(
    word(t),
    sum(
      get(word(t)),
      sigma(get(word(t + 1)), 7, 18, 3),
      get(word(t + 9)),
      sigma(get(word(t + 14)), 17, 19, 10),
    ),
  );

/** Section 6.2.2, step 3: instead of the variables, their names move on. */
function round(t: number): Code {
  const name = (n: number) => VARIABLE + ((n + ROUNDS - t) % 8);
  const [a, b, c, d, e, f, g, h] = [0, 1, 2, 3, 4, 5, 6, 7].map((n) => get(name(n)));
  const constant = lanes.loadSplat(get(ROUND), t * WORD_BYTES);
  return [
    ...set(SCRATCH, sum(h!, bigSigma(e!, 6, 11, 25), lanes.choose(e!, f!, g!), constant, get(word(t)))),
    ...set(name(3), lanes.add(d!, get(SCRATCH))),
    ...set(name(7), sum(get(SCRATCH), bigSigma(a!, 2, 13, 22), majority(a!, b!, c!))),
  ];
}

const rounds = (prepare: (t: number) => Code): Code =>
  Array.from({ length: WORDS }, (_, t) => [...prepare(t), ...round(t)]).flat();

const each = (count: number, code: (n: number) => Code): Code =>
  Array.from({ length: count }, (_, n) => code(n)).flat();
const words = (one: Code, other: Code, ...places: number[]) =>
  lanes.shuffle(
    one,
    other,
    places.flatMap((place) => [0, 1, 2, 3].map((byte) => WORD_BYTES * place + byte)),
  );
const BIG_ENDIAN = [3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12];
const swapped = (value: Code) => lanes.shuffle(value, value, BIG_ENDIAN);

/** Four vectors from `from` on to the rows of which they are the columns; in `to` on. */
const transpose = (from: number, to: number): Code => {
  const [a, b, c, d] = [0, 1, 2, 3].map((n) => get(from + n));
  const scratch = VARIABLE + 4;
  return [
    ...set(scratch, words(a!, b!, 0, 4, 1, 5)),
    ...set(scratch + 1, words(c!, d!, 0, 4, 1, 5)),
    ...set(scratch + 2, words(a!, b!, 2, 6, 3, 7)),
    ...set(scratch + 3, words(c!, d!, 2, 6, 3, 7)),
    ...set(to, words(get(scratch), get(scratch + 1), 0, 1, 4, 5)),
    ...set(to + 1, words(get(scratch), get(scratch + 1), 2, 3, 6, 7)),
    ...set(to + 2, words(get(scratch + 2), get(scratch + 3), 0, 1, 4, 5)),
    ...set(to + 3, words(get(scratch + 2), get(scratch + 3), 2, 3, 6, 7)),
  ];
};

/** The next block of each message, its words in the lanes. */
const loadBlock = each(WORDS / LANES, (quarter) => [
  ...each(LANES, (n) => set(VARIABLE + n, swapped(lanes.load(get(MESSAGES[n]!), 16 * quarter)))),
  ...transpose(VARIABLE, WORD + LANES * quarter),
]);

const compressBlock: Code = [
  ...loadBlock,
  ...each(8, (n) => set(VARIABLE + n, get(STATE + n))),
  ...set(ROUND, i32.constant(0)),
  ...rounds(() => []),
  ...set(ROUND, i32.constant(WORDS * WORD_BYTES)),
  ...repeatWhile(
    [...rounds(extend), ...set(ROUND, i32.add(get(ROUND), i32.constant(WORDS * WORD_BYTES)))],
    i32.isLess(get(ROUND), i32.constant(ROUNDS * WORD_BYTES)),
  ),
  // A message that has ended keeps its state while longer ones go on.
  ...set(SCRATCH, lanes.isGreater(get(LENGTHS), lanes.splat(get(BLOCK)))),
  ...each(8, (n) => {
    const state = get(STATE + n);
    return set(STATE + n, lanes.choose(get(SCRATCH), lanes.add(state, get(VARIABLE + n)), state));
  }),
];

const target = (n: number): Code => {
  const second = n % 2 === 1 ? get(STEP) : i32.constant(0);
  return i32.add(i32.add(get(TARGET), second), n >= 2 ? get(PAIR) : i32.constant(0));
};

const storeDigests = each(2, (half) => [
  ...transpose(STATE + LANES * half, VARIABLE),
  ...each(LANES, (n) => lanes.store(target(n), 16 * half, swapped(get(VARIABLE + n)))),
]);

const hashGroup: Code = [
  ...set(MESSAGES[0], get(SOURCE)),
  ...each(LANES - 1, (n) => set(MESSAGES[n + 1]!, i32.add(get(MESSAGES[n]!), get(STRIDE)))),
  ...set(LENGTHS, lanes.load(get(COUNTS))),
  ...set(BLOCKS, i32.constant(0)),
  ...each(LANES, (n) => {
    const count = i32.load(get(COUNTS), WORD_BYTES * n);
    return set(BLOCKS, i32.select(count, get(BLOCKS), i32.isLess(get(BLOCKS), count)));
  }),
  ...each(8, (n) => set(STATE + n, lanes.splat(i32.constant(INITIAL[n]! | 0)))),
  ...set(BLOCK, i32.constant(0)),
  ...repeatWhile(
    [
      ...compressBlock,
      ...each(LANES, (n) => set(MESSAGES[n]!, i32.add(get(MESSAGES[n]!), i32.constant(BLOCK_BYTES)))),
      ...set(BLOCK, i32.add(get(BLOCK), i32.constant(1))),
    ],
    i32.isLess(get(BLOCK), get(BLOCKS)),
  ),
  ...storeDigests,
];

const next = (local: number, by: Code): Code => set(local, i32.add(get(local), by));
const hashGroups = repeatWhile(
  [
    ...hashGroup,
    ...next(SOURCE, i32.multiply(get(STRIDE), i32.constant(LANES))),
    ...next(TARGET, i32.multiply(get(PAIR), i32.constant(2))),
    ...next(COUNTS, i32.constant(LANES * WORD_BYTES)),
    ...set(GROUPS, i32.subtract(get(GROUPS), i32.constant(1))),
  ],
  get(GROUPS),
);

interface WasmMemory {
  readonly buffer: ArrayBuffer;
}

/** The part that is used here; the types of Node do not have it. */
interface Wasm {
  readonly Memory: new (size: { initial: number }) => WasmMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: { env: { memory: WasmMemory } },
  ) => { readonly exports: { readonly run: (...parameters: number[]) => void } };
}
const wasm = (globalThis as unknown as { WebAssembly: Wasm }).WebAssembly;

let compiled: object | null = null;
/** Once in a thread, and not before it is needed. */
function compiledModule(): object {
  const code = { parameters: PARAMETERS, integers: STATE - PARAMETERS, vectors: VECTORS, body: hashGroups };
  return (compiled ??= new wasm.Module(wasmModule(code)));
}

/** Padded messages at equal distances. */
export interface Messages {
  readonly at: number;
  readonly stride: number;
  /** A multiple of {@link LANES}. */
  readonly count: number;
  /** Where the numbers of their blocks lie, as {@link HashLanes.pad} writes them. */
  readonly blocks: number;
}

/** Where digests go: the first and third of four to `at` and `at + pair`, the others `step` further. */
export interface Digests {
  readonly at: number;
  readonly step: number;
  readonly pair: number;
}

/** A memory to put messages in, and what hashes them. */
export class HashLanes {
  readonly bytes: Uint8Array;
  private readonly words: DataView;
  private readonly run: (...parameters: number[]) => void;
  private used = ROUNDS * WORD_BYTES;

  /** @param size bytes that will be taken by {@link allocate} */
  constructor(size: number) {
    const memory = new wasm.Memory({ initial: Math.ceil((this.used + size) / PAGE_BYTES) });
    this.bytes = new Uint8Array(memory.buffer);
    this.words = new DataView(memory.buffer);
    for (const [t, constant] of ROUND_CONSTANTS.entries())
      this.words.setUint32(t * WORD_BYTES, constant, true);
    this.run = new wasm.Instance(compiledModule(), { env: { memory } }).exports.run;
  }

  /** Address of so many bytes, all 0. @throws RangeError beyond the size */
  allocate(bytes: number): number {
    const at = this.used;
    this.used += bytes;
    if (this.used > this.bytes.length) throw new RangeError('the memory is smaller than what is put in it');
    return at;
  }

  /**
   * Ends a message (section 5.1.1) and notes its number of blocks; the message itself may be written before or after.
   * @param blocks where its number is noted
   */
  pad(at: number, length: number, blocks: number): void {
    const count = paddedBlocks(length);
    const end = at + count * BLOCK_BYTES;
    this.bytes.fill(0, at + length, end);
    this.bytes[at + length] = PADDING;
    this.words.setUint32(end - WORD_BYTES, length * 8);
    this.words.setInt32(blocks, count, true);
  }

  hash({ at, stride, count, blocks }: Messages, digests: Digests): void {
    this.run(at, stride, blocks, count / LANES, digests.at, digests.step, digests.pair);
  }
}

/** Blocks of a message of `length` bytes, below 2^29, with its padding. */
export function paddedBlocks(length: number): number {
  return Math.ceil((length + 1 + LENGTH_BYTES) / BLOCK_BYTES);
}
