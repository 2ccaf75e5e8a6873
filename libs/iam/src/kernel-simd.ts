/**
 * The kernel of kernel.ts in WebAssembly SIMD: two samples at a time, the same operations in the same order on each, so
 * the same bits (WebAssembly's arithmetic is IEEE 754 without contraction). Proven equal by kernel.spec.ts.
 */
import type { KernelLevels } from './kernel-levels.js';
import { CELL_WIDTH } from './kernel-table.js';
import {
  assembleModule,
  type Code,
  F64,
  I32,
  instantiate,
  op,
  V128,
  type WasmInstance,
} from './wasm-assembler.js';

/** Samples in WebAssembly's memory at a time, an even number: fewer cost calls, more leave the processor's cache. */
const CHUNK = 4096;
const DOUBLE = 8;
const PAGE = 65536;
/** Memory: the table from 0 (less than two pages), then distances, then gaps, then the levels' rows. */
const DISTANCES_AT = 2 * PAGE;
const GAPS_AFTER = CHUNK * DOUBLE;
const ROWS_AT = DISTANCES_AT + 2 * GAPS_AFTER;
const ROW_BYTES = 3 * DOUBLE;
const CELL_BYTES = CELL_WIDTH * DOUBLE;

/** Adding 2^52 leaves a whole number below 2^32 in the low half of a double: the cheapest conversion there is. */
const WHOLE_IN_LOW_BITS = 2 ** 52;

/** Parameters: addresses and settings. */
const [SAMPLE, SAMPLES_END, ROWS_END, ORIGIN, LAST_CELL, TOTAL_WEIGHT] = [0, 1, 2, 3, 4, 5];
/** Addresses: of the level's row and of the two samples' cells in the table. */
const [ROW, FIRST_CELL, SECOND_CELL] = [6, 7, 8];
/** Vectors, one lane for each of the two samples; the two sums have a lane for even and one for odd powers. */
const [DISTANCE, GAP, PLACE, T, SQUARE, WEIGHT, WEIGHT_T] = [9, 10, 11, 12, 13, 14, 15];
const [FIRST_SUM, SECOND_SUM, ORIGINS, LAST_CELLS] = [16, 17, 18, 19];

/** place = min(max((distance - a_k gap) cells + origin, 0), last); T = its fraction; cell addresses from its floor. */
const findCells: readonly Code[] = [
  op.get(DISTANCE),
  ...[op.get(ROW), op.vLoadSplat(0), op.get(GAP), op.f64x2Mul, op.f64x2Sub],
  ...[op.get(ROW), op.vLoadSplat(DOUBLE), op.f64x2Mul, op.get(ORIGINS), op.f64x2Add],
  ...[op.f64x2Const(0), op.f64x2PseudoMax, op.get(LAST_CELLS), op.f64x2PseudoMin],
  ...[op.tee(PLACE), op.get(PLACE), op.f64x2Floor, op.tee(PLACE), op.f64x2Sub, op.set(T)],
  ...[op.get(PLACE), op.f64x2Const(CELL_BYTES), op.f64x2Mul, op.f64x2Const(WHOLE_IN_LOW_BITS), op.f64x2Add],
  ...[op.tee(PLACE), op.i32x4Extract(0), op.set(FIRST_CELL)],
  ...[op.get(PLACE), op.i32x4Extract(2), op.set(SECOND_CELL)],
];

const prepareFactors: readonly Code[] = [
  ...[op.get(T), op.get(T), op.f64x2Mul, op.set(SQUARE)],
  ...[op.get(ROW), op.vLoadSplat(2 * DOUBLE), op.tee(WEIGHT), op.get(T), op.f64x2Mul, op.set(WEIGHT_T)],
];

/** sum += [w, w t] * ([c0, c1] + t^2 [c2, c3]) for the sample in the lane that `pick` takes. */
function addLevel(sum: number, cell: number, pick: Code): readonly Code[] {
  return [
    ...[op.get(sum), op.get(WEIGHT), op.get(WEIGHT_T), pick],
    ...[op.get(cell), op.vLoad(0), op.get(SQUARE), op.get(SQUARE), pick, op.get(cell), op.vLoad(2 * DOUBLE)],
    ...[op.f64x2Mul, op.f64x2Add, op.f64x2Mul, op.f64x2Add, op.set(sum)],
  ];
}

/** Advances an address and repeats the enclosing loop while it is below the end. */
const nextUntil = (address: number, step: number, end: number): readonly Code[] => [
  ...[op.get(address), op.i32Const(step), op.i32Add, op.tee(address)],
  ...[op.get(end), op.i32LessUnsigned, op.branchIf(0)],
];

const body: readonly Code[] = [
  ...[op.get(ORIGIN), op.f64x2Splat, op.set(ORIGINS), op.get(LAST_CELL), op.f64x2Splat, op.set(LAST_CELLS)],
  op.loop(
    ...[op.get(SAMPLE), op.vLoad(0), op.set(DISTANCE), op.get(SAMPLE), op.vLoad(GAPS_AFTER), op.set(GAP)],
    ...[op.f64x2Const(0), op.tee(FIRST_SUM), op.set(SECOND_SUM), op.i32Const(ROWS_AT), op.set(ROW)],
    op.loop(
      ...findCells,
      ...prepareFactors,
      ...addLevel(FIRST_SUM, FIRST_CELL, op.lowLanes),
      ...addLevel(SECOND_SUM, SECOND_CELL, op.highLanes),
      ...nextUntil(ROW, ROW_BYTES, ROWS_END),
    ),
    // The mean takes the place of the distance: (even + odd) / total.
    op.get(SAMPLE),
    ...[
      op.get(FIRST_SUM),
      op.get(SECOND_SUM),
      op.lowLanes,
      op.get(FIRST_SUM),
      op.get(SECOND_SUM),
      op.highLanes,
    ],
    ...[op.f64x2Add, op.get(TOTAL_WEIGHT), op.f64x2Splat, op.f64x2Div, op.vStore(0)],
    ...nextUntil(SAMPLE, 2 * DOUBLE, SAMPLES_END),
  ),
];

/** The module's bytes; the same on every machine. */
export const KERNEL_MODULE = assembleModule({
  parameters: [I32, I32, I32, F64, F64, F64],
  locals: [I32, I32, I32, ...Array<number>(11).fill(V128)],
  body,
});

type Run = (
  sample: number,
  end: number,
  rowsEnd: number,
  origin: number,
  last: number,
  total: number,
) => void;

class SimdKernel {
  /** The table that lies in memory now. */
  private loaded: KernelLevels['table'] | null = null;

  constructor(private readonly wasm: WasmInstance<Run>) {}

  /** As `kernelMeans`; writes into `means`. */
  means(distances: Float64Array, gaps: Float64Array, levels: KernelLevels, means: Float64Array): void {
    const { rows, table, totalWeight } = levels;
    this.reserve(ROWS_AT + rows.byteLength);
    const memory = new Float64Array(this.wasm.memory.buffer);
    if (this.loaded !== table) memory.set(table.coefficients, 0);
    this.loaded = table;
    memory.set(rows, ROWS_AT / DOUBLE);
    const from = DISTANCES_AT / DOUBLE;
    for (let start = 0; start < distances.length; start += CHUNK) {
      const count = Math.min(CHUNK, distances.length - start);
      for (let i = 0; i < count; i++) {
        // A NaN has no place in the table: it is scored as 0 and put back below.
        const usable = !Number.isNaN(distances[start + i]! + gaps[start + i]!);
        memory[from + i] = usable ? distances[start + i]! : 0;
        memory[from + CHUNK + i] = usable ? gaps[start + i]! : 0;
      }
      const end = DISTANCES_AT + count * DOUBLE;
      this.wasm.run(DISTANCES_AT, end, ROWS_AT + rows.byteLength, table.origin, table.lastCell, totalWeight);
      for (let i = 0; i < count; i++) {
        means[start + i] = Number.isNaN(distances[start + i]! + gaps[start + i]!) ? NaN : memory[from + i]!;
      }
    }
  }

  private reserve(bytes: number): void {
    const missing = Math.ceil((bytes - this.wasm.memory.buffer.byteLength) / PAGE);
    if (missing > 0) this.wasm.memory.grow(missing);
  }
}

const wasm = instantiate<Run>(KERNEL_MODULE, ROWS_AT / PAGE + 1);
/** null where kernel.ts has to do the work. */
export const simdKernel = wasm && new SimdKernel(wasm);
