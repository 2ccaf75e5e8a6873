/**
 * The exponentials of a whole row, two at a time in WebAssembly SIMD: the operations of elementary.ts's `exp` in its order, so
 * the same bits (WebAssembly's arithmetic is IEEE 754 without contraction). Proven equal by exponentials.spec.ts.
 */
import { EXP_COEFFICIENTS, exp, LN2_HIGH, LN2_LOW, LOG2_E } from './elementary.js';
import { assembleModule, type Code, I32, instantiate, op, V128 } from './wasm-assembler.js';

/** Numbers in WebAssembly's memory, one page of 64 KiB; longer rows, which no classifier has, go the long way. */
const ROOM = 8192;
const DOUBLE = 8;
/** Above this e^x is no subnormal number, so that one factor 2^k is exact; what lies below goes the long way. */
const LOWEST = -700;
/** 2^52 plus a whole number has that number in its low bits; with the exponent's bias they become the bits of 2^k. */
const BIASED_IN_LOW_BITS = 2 ** 52 + 1023;
const EXPONENT_SHIFT = 52;

const [PLACE, END] = [0, 1];
const [X, K, R] = [2, 3, 4];

/** sum * r + coefficient, the sum being on the stack. */
const hornerStep = (coefficient: number): readonly Code[] => [
  ...[op.get(R), op.f64x2Mul, op.f64x2Const(coefficient), op.f64x2Add],
];

const body: readonly Code[] = [
  op.loop(
    ...[op.get(PLACE), op.vLoad(0), op.tee(X)],
    ...[op.f64x2Const(LOG2_E), op.f64x2Mul, op.f64x2Const(0.5), op.f64x2Add, op.f64x2Floor, op.set(K)],
    ...[op.get(X), op.get(K), op.f64x2Const(LN2_HIGH), op.f64x2Mul, op.f64x2Sub],
    ...[op.get(K), op.f64x2Const(LN2_LOW), op.f64x2Mul, op.f64x2Sub, op.set(R)],
    ...[op.get(PLACE), op.f64x2Const(EXP_COEFFICIENTS[0])],
    ...EXP_COEFFICIENTS.slice(1).flatMap(hornerStep),
    ...[op.get(K), op.f64x2Const(BIASED_IN_LOW_BITS), op.f64x2Add, op.i32Const(EXPONENT_SHIFT), op.i64x2Shl],
    ...[op.f64x2Mul, op.vStore(0)],
    ...[op.get(PLACE), op.i32Const(2 * DOUBLE), op.i32Add, op.tee(PLACE)],
    ...[op.get(END), op.i32LessUnsigned, op.branchIf(0)],
  ),
];

/** The module's bytes; the same on every machine. */
const EXPONENTIALS_MODULE = assembleModule({ parameters: [I32, I32], locals: [V128, V128, V128], body });

type Run = (start: number, end: number) => void;
const simd = instantiate<Run>(EXPONENTIALS_MODULE, 1);
const room = new Float64Array(simd?.memory.buffer ?? new ArrayBuffer(ROOM * DOUBLE));

/**
 * Returns e^(x - shift) for each x of `values`, in their order; valid until the next call.
 * @param values any numbers
 */
export function shiftedExponentials(values: ArrayLike<number>, shift: number): Float64Array {
  const count = values.length;
  const terms = count <= ROOM ? room : new Float64Array(count);
  let inRange = simd !== null && count <= ROOM;
  for (let i = 0; i < count; i++) {
    const x = values[i]! - shift;
    terms[i] = x;
    inRange &&= x > LOWEST && x < -LOWEST;
  }
  if (inRange) simd!.run(0, Math.max(count, 1) * DOUBLE);
  else for (let i = 0; i < count; i++) terms[i] = exp(terms[i]!);
  return terms.subarray(0, count);
}
