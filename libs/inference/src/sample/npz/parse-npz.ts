/**
 * A file of `numpy.savez` or `numpy.savez_compressed` as a stream of payloads: `sample_ids`, `labels`, and one array for each
 * input of the model, by its name; samples along the first axis of all of them. A zip archive is read from its end, so the
 * upload is spooled; after that a few rows at a time are in memory. A row becomes the very bytes that the same sample as JSON
 * becomes. Proven by parse-npz.spec.ts.
 */
import { dtypeOf, NpyFault, type NpyHeader } from '../npy.js';
import { encodeSample } from '../payload.js';
import { atPlace, type PlacedPayload } from '../placed-payload.js';
import { bytesOfInput, dimensions, type InputLayout, orderedInputs, tensorData } from '../sample-rules.js';
import { type Column, idColumn, labelColumn } from './column.js';
import { refusedArray } from './refused-array.js';
import { Spool } from './spool.js';
import { StoredArray } from './stored-array.js';
import { type ByteRange, zipArrays, type ZipLimits } from './zip-arrays.js';

/** Of all arrays together; fewer cost a read more often, more cost memory. */
const STEP_BYTES = 1024 * 1024;
const IDS = 'sample_ids';
const LABELS = 'labels';

interface Table {
  readonly ids: { readonly array: StoredArray; readonly column: Column<string> };
  readonly labels: { readonly array: StoredArray; readonly column: Column<number> };
  readonly inputs: readonly (InputLayout & { readonly array: StoredArray })[];
}

/**
 * Yields the samples of the file in its order.
 * @throws InferenceError SAMPLE_ARCHIVE_BROKEN; SAMPLE_ARRAY_REFUSED (details: array); SAMPLE_MALFORMED (details: index, field)
 */
export async function* parseNpz(
  bytes: AsyncIterable<Uint8Array>,
  limits: ZipLimits,
): AsyncGenerator<PlacedPayload> {
  const spools = { archive: new Spool(), expanded: new Spool() };
  try {
    for await (const chunk of bytes) await spools.archive.append(chunk);
    yield* payloadsOf(await tableOf(await zipArrays(spools, limits)));
  } finally {
    await Promise.all([spools.archive.close(), spools.expanded.close()]);
  }
}

/** The arrays, once it is sure that they fit each other. */
async function tableOf(files: ReadonlyMap<string, ByteRange>): Promise<Table> {
  const arrays = await Promise.all([...files].map(([name, content]) => StoredArray.open(name, content)));
  const ids = columnOf(arrays, IDS, idColumn);
  const labels = columnOf(arrays, LABELS, labelColumn);
  const inputs = orderedInputs(
    arrays.flatMap((array) =>
      array === ids.array || array === labels.array
        ? []
        : [{ name: array.name, ...array.as(layoutOf), array }],
    ),
  );
  const { rows } = ids.array;
  for (const { array, rowBytes } of partsOf({ ids, labels, inputs })) {
    array.checkLength(rowBytes);
    if (array.rows !== rows)
      throw refusedArray(array.name, `has ${array.rows} samples, where ${IDS} has ${rows}`);
  }
  return { ids, labels, inputs };
}

function columnOf<T>(
  arrays: readonly StoredArray[],
  name: string,
  interpret: (field: string, header: NpyHeader) => Column<T>,
): { readonly array: StoredArray; readonly column: Column<T> } {
  const array = arrays.find((one) => one.name === name);
  if (!array) throw refusedArray(name, 'is missing');
  return { array, column: array.as((header) => interpret(name, header)) };
}

/** What one sample has of an array. */
function layoutOf({ descr, shape }: NpyHeader): Omit<InputLayout, 'name'> {
  const dtype = dtypeOf(descr);
  if (shape.length === 0) throw new NpyFault('must have the samples as its first axis');
  const ofOne = shape.slice(1);
  if (!dimensions.safeParse(ofOne).success) throw new NpyFault('has a dimension or rank that is not taken');
  return { dtype, shape: ofOne };
}

/** All arrays, with the bytes that one sample has in each: ids, labels, then inputs in order. */
const partsOf = ({ ids, labels, inputs }: Table) => [
  { array: ids.array, rowBytes: ids.column.width },
  { array: labels.array, rowBytes: labels.column.width },
  ...inputs.map((input) => ({ array: input.array, rowBytes: bytesOfInput(input) })),
];

async function* payloadsOf(table: Table): AsyncGenerator<PlacedPayload> {
  const parts = partsOf(table);
  const { rows } = table.ids.array;
  const step = Math.max(1, Math.floor(STEP_BYTES / parts.reduce((sum, { rowBytes }) => sum + rowBytes, 0)));
  for (let from = 0; from < rows; from += step) {
    const to = Math.min(from + step, rows);
    const bytes = await Promise.all(
      parts.map(async ({ array, rowBytes }) =>
        Buffer.from((await array.readRows(from, to, rowBytes)).buffer),
      ),
    );
    for (let index = from; index < to; index += 1) yield payloadOf(table, bytes, { index, at: index - from });
  }
}

function payloadOf(
  { ids, labels, inputs }: Table,
  [idBytes, labelBytes, ...inputBytes]: readonly Buffer[],
  { index, at }: { readonly index: number; readonly at: number },
): PlacedPayload {
  const place = { index };
  try {
    const sampleId = ids.column.read(idBytes!, at * ids.column.width);
    const label = labels.column.read(labelBytes!, at * labels.column.width);
    const tensors = inputs.map(({ name, dtype, shape }, input) => {
      const rowBytes = bytesOfInput({ name, dtype, shape });
      const row = inputBytes[input]!.subarray(at * rowBytes, (at + 1) * rowBytes);
      return { name, dtype, shape, data: tensorData(dtype, row, name) };
    });
    return { place, sampleId, payload: encodeSample({ form: 'tensors', label, tensors }) };
  } catch (error) {
    throw atPlace(error, place);
  }
}
