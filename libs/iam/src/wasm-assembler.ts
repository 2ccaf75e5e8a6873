/**
 * Just enough of an assembler for one WebAssembly function: instructions as bytes, under the names of the WebAssembly
 * core specification 2.0 (sections 5.4 and 5.5). It keeps the kernel reviewable as text: no binary is committed.
 */
export type Code = readonly number[];

export const I32 = 0x7f;
export const F64 = 0x7c;
export const V128 = 0x7b;
const BLOCK_WITHOUT_RESULT = 0x40;

const VECTOR_PREFIX = 0xfd;
/** Alignment hint of a memory access, as a power of two: 8 bytes, which every double of ours has. */
const ALIGN_8 = 3;

const vector = (code: number, ...rest: number[]): Code => [VECTOR_PREFIX, ...unsigned(code), ...rest];

/** The instructions the kernel uses; operands come from the stack, as in the specification. */
export const op = {
  get: (local: number): Code => [0x20, ...unsigned(local)],
  set: (local: number): Code => [0x21, ...unsigned(local)],
  tee: (local: number): Code => [0x22, ...unsigned(local)],
  i32Const: (value: number): Code => [0x41, ...signed(value)],
  i32LessUnsigned: [0x49] as Code,
  i32Add: [0x6a] as Code,
  branchIf: (depth: number): Code => [0x0d, ...unsigned(depth)],
  /** A block that runs again while `branchIf(0)` inside it is taken. */
  loop: (...body: Code[]): Code => [0x03, BLOCK_WITHOUT_RESULT, ...body.flat(), 0x0b],
  vLoad: (offset: number): Code => vector(0x00, ALIGN_8, ...unsigned(offset)),
  vLoadSplat: (offset: number): Code => vector(0x0a, ALIGN_8, ...unsigned(offset)),
  vStore: (offset: number): Code => vector(0x0b, ALIGN_8, ...unsigned(offset)),
  f64x2Const: (value: number): Code => vector(0x0c, ...doubleBytes(value), ...doubleBytes(value)),
  /** [a0, a1], [b0, b1] -> [a0, b0] */
  lowLanes: vector(0x0d, ...lanes(0, 2)),
  /** [a0, a1], [b0, b1] -> [a1, b1] */
  highLanes: vector(0x0d, ...lanes(1, 3)),
  f64x2Splat: vector(0x14),
  i32x4Extract: (lane: number): Code => vector(0x1b, lane),
  i64x2Shl: vector(0xcb),
  f64x2Floor: vector(0x75),
  f64x2Add: vector(0xf0),
  f64x2Sub: vector(0xf1),
  f64x2Mul: vector(0xf2),
  f64x2Div: vector(0xf3),
  /** a, b -> b < a ? b : a */
  f64x2PseudoMin: vector(0xf6),
  /** a, b -> a < b ? b : a */
  f64x2PseudoMax: vector(0xf7),
} as const;

export interface WasmFunction {
  readonly parameters: readonly number[];
  readonly locals: readonly number[];
  readonly body: readonly Code[];
}

/** Returns a module that imports the memory `env.memory` and exports one function, `run`, without results. */
export function assembleModule({ parameters, locals, body }: WasmFunction): Uint8Array<ArrayBuffer> {
  const code = [...list(locals.map((type) => [1, type])), ...body.flat(), 0x0b];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [[0x60, ...list(parameters.map((type) => [type])), 0]]),
    ...section(2, [[...name('env'), ...name('memory'), 0x02, 0x00, 1]]),
    ...section(3, [[0]]),
    ...section(7, [[...name('run'), 0x00, 0]]),
    ...section(10, [[...unsigned(code.length), ...code]]),
  ]);
}

interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): void;
}

/** The part of the WebAssembly interface used here; TypeScript declares it only together with a browser's. */
declare const WebAssembly: {
  validate(bytes: Uint8Array): boolean;
  Module: new (bytes: Uint8Array) => object;
  Memory: new (size: { initial: number }) => Memory;
  Instance: new (module: object, imports: object) => { readonly exports: { readonly run: unknown } };
};

/** One module with memory of its own. */
export interface WasmInstance<Run> {
  readonly memory: Memory;
  readonly run: Run;
}

/**
 * A module of {@link assembleModule}, ready to run; null without WebAssembly's vector instructions (x64 before SSE4.1, engines
 * without a compiler), where TypeScript does the work.
 * @param pages of 64 KiB
 */
export function instantiate<Run>(bytes: Uint8Array, pages: number): WasmInstance<Run> | null {
  if (typeof WebAssembly === 'undefined' || !WebAssembly.validate(bytes)) return null;
  const memory = new WebAssembly.Memory({ initial: pages });
  const { run } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } }).exports;
  return { memory, run: run as Run };
}

function section(id: number, entries: readonly Code[]): Code {
  const content = list(entries);
  return [id, ...unsigned(content.length), ...content];
}

function list(entries: readonly Code[]): Code {
  return [...unsigned(entries.length), ...entries.flat()];
}

function name(text: string): Code {
  return [...unsigned(text.length), ...new TextEncoder().encode(text)];
}

/** Byte indexes of two 8-byte lanes out of four. */
function lanes(first: number, second: number): number[] {
  return [first, second].flatMap((lane) => Array.from({ length: 8 }, (_, byte) => 8 * lane + byte));
}

function doubleBytes(value: number): Code {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value, true);
  return [...new Uint8Array(view.buffer)];
}

/** LEB128 of a value from 0 to 2^31 - 1. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

/** LEB128 of a signed 32-bit value. */
function signed(value: number): number[] {
  const low = value & 0x7f;
  const rest = value >> 7;
  const done = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
  return done ? [low] : [low | 0x80, ...signed(rest)];
}
