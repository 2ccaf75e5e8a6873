/**
 * The little of WebAssembly's binary form that sha256-lanes.ts is written in: expressions over locals, most of them vectors of
 * four 32-bit lanes, and a module of one function over an imported memory (WebAssembly core specification 2.0, chapter 5).
 */

/** Instructions in binary; an expression leaves one value on the stack. */
export type Code = readonly number[];

const I32 = 0x7f;
const V128 = 0x7b;
const SIMD = 0xfd;
const END = 0x0b;

/** LEB128, for sizes and indexes. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

/** LEB128, for constants. */
function signed(value: number): number[] {
  const isLast = value >= -0x40 && value < 0x40;
  return isLast ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)];
}

const binary =
  (...opcode: number[]) =>
  (one: Code, other: Code): Code => [...one, ...other, ...opcode];
const vector = (opcode: number) => [SIMD, ...unsigned(opcode)];

export const get = (local: number): Code => [0x20, ...unsigned(local)];
export const set = (local: number, value: Code): Code => [...value, 0x21, ...unsigned(local)];

export const i32 = {
  constant: (value: number): Code => [0x41, ...signed(value)],
  add: binary(0x6a),
  subtract: binary(0x6b),
  multiply: binary(0x6c),
  isLess: binary(0x48),
  load: (at: Code, offset = 0): Code => [...at, 0x28, 2, ...unsigned(offset)],
  /** The first value where the condition is not 0. */
  select: (one: Code, other: Code, condition: Code): Code => [...one, ...other, ...condition, 0x1b],
};

export const lanes = {
  load: (at: Code, offset = 0): Code => [...at, ...vector(0x00), 0, ...unsigned(offset)],
  /** One 32-bit word in all lanes. */
  loadSplat: (at: Code, offset = 0): Code => [...at, ...vector(0x09), 0, ...unsigned(offset)],
  store: (at: Code, offset: number, value: Code): Code => [
    ...at,
    ...value,
    ...vector(0x0b),
    0,
    ...unsigned(offset),
  ],
  splat: (value: Code): Code => [...value, ...vector(0x11)],
  add: binary(...vector(0xae)),
  xor: binary(...vector(0x51)),
  or: binary(...vector(0x50)),
  /** All bits of a lane set where the signed one is greater. */
  isGreater: binary(...vector(0x3b)),
  /** Bit by bit: of `one` where the mask is set. */
  choose: (mask: Code, one: Code, other: Code): Code => [...one, ...other, ...mask, ...vector(0x52)],
  shiftLeft: (value: Code, bits: number): Code => [...value, ...i32.constant(bits), ...vector(0xab)],
  shiftRight: (value: Code, bits: number): Code => [...value, ...i32.constant(bits), ...vector(0xad)],
  /** The bytes at these places of both, 0 to 15 of `one` and 16 to 31 of `other`. */
  shuffle: (one: Code, other: Code, bytes: readonly number[]): Code => [
    ...one,
    ...other,
    ...vector(0x0d),
    ...bytes,
  ],
};

/** Runs `body` again for as long as `condition`, which comes after it, is not 0. */
export const repeatWhile = (body: Code, condition: Code): Code => [
  ...[0x03, 0x40],
  ...body,
  ...condition,
  ...[0x0d, 0, END],
];

export interface WasmFunction {
  /** All i32; the first locals. */
  readonly parameters: number;
  /** Further locals: i32 first, then vectors. */
  readonly integers: number;
  readonly vectors: number;
  readonly body: Code;
}

/** A module that imports the memory `env.memory` and exports the function as `run`. */
export function wasmModule({ parameters, integers, vectors, body }: WasmFunction): Uint8Array<ArrayBuffer> {
  const name = (text: string) => [text.length, ...Buffer.from(text)];
  const section = (id: number, content: Code) => [id, ...unsigned(content.length), ...content];
  const types = Array.from({ length: parameters }, () => I32);
  const code = [2, ...unsigned(integers), I32, ...unsigned(vectors), V128, ...body, END];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, ...unsigned(parameters), ...types, 0]),
    ...section(2, [1, ...name('env'), ...name('memory'), 0x02, 0, 1]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...name('run'), 0, 0]),
    ...section(10, [1, ...unsigned(code.length), ...code]),
  ]);
}
