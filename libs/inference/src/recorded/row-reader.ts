/**
 * From a line to a row. The format is told by the first line that is not blank: `{` begins NDJSON, anything else is CSV.
 *
 * NDJSON: `{"sampleId": "a", "value": 0.5}`; further fields are passed over. CSV: a header naming the two columns
 * (further columns are passed over), or exactly two columns without one. Names of the sample: sampleId, sample_id, id; of the
 * number: value, or the kind itself (loss, probability), which then must be the recording's kind. What is not a number
 * (null, NaN, text) is malformed: a signal that could not be measured is left out of the file.
 * Proven by parse-recording.spec.ts.
 */
import { InferenceError } from '../errors.js';
import { csvFields } from './csv-fields.js';
import type { Line } from '../text/lines.js';
import { malformed } from './recording-faults.js';
import { isSampleId } from './sample-id.js';

/** What is recorded: true-class probability in [0, 1], or average token negative log-likelihood in nats, >= 0. */
export type SignalKind = 'probability' | 'loss';

export interface RecordedRow {
  /** Line of the file, 1 for the first. */
  readonly line: number;
  readonly sampleId: string;
  /** Finite and in the range of its kind; never -0. */
  readonly value: number;
}

type ReadLine = (line: Line) => RecordedRow | null;

const ID_NAMES = ['sampleId', 'sample_id', 'id'];
const KINDS: readonly SignalKind[] = ['loss', 'probability'];
const VALUE_NAMES = ['value', ...KINDS];
/** JSON's number, with the plus sign and the missing zero that CSV writers produce. */
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** Reads the lines of one file in order; blank lines give null, as does the header of a CSV file. */
export class RowReader {
  private readLine: ReadLine | null = null;

  constructor(private readonly signalKind: SignalKind) {}

  /** @throws InferenceError RECORDING_MALFORMED_LINE, RECORDING_VALUE_OUT_OF_RANGE, RECORDING_KIND_MISMATCH */
  read(line: Line): RecordedRow | null {
    if (line.text.trim() === '') return null;
    if (this.readLine) return this.readLine(line);
    if (line.text.trimStart().startsWith('{')) {
      this.readLine = (next) => readJson(next, this.signalKind);
      return this.readLine(line);
    }
    const header = csvHeader(line, this.signalKind);
    const columns = header ?? { sampleId: 0, value: 1, count: 2 };
    this.readLine = (next) => readCsv(next, columns, this.signalKind);
    return header ? null : this.readLine(line);
  }
}

function readJson({ line, text }: Line, kind: SignalKind): RecordedRow {
  const fields = parseObject(line, text);
  const id = onlyName(line, Object.keys(fields), ID_NAMES);
  const value = onlyName(line, Object.keys(fields), VALUE_NAMES);
  checkKind(line, value, kind);
  const number = fields[value];
  if (typeof number !== 'number') throw malformed(line, `"${value}" is not a number`);
  return row(line, fields[id], number, kind);
}

function parseObject(line: number, text: string): Readonly<Record<string, unknown>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, which may be somebody's data.
    throw malformed(line, 'not valid JSON');
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw malformed(line, 'not a JSON object');
  return parsed as Record<string, unknown>;
}

/** The one of `wanted` among `present`: two of them would leave open which is meant. */
function onlyName(line: number, present: readonly string[], wanted: readonly string[]): string {
  const found = present.filter((name) => wanted.includes(name));
  if (found.length === 1) return found[0]!;
  throw malformed(line, `exactly one of ${wanted.join(', ')} is needed, not ${found.length}`);
}

interface CsvColumns {
  readonly sampleId: number;
  readonly value: number;
  readonly count: number;
}

function csvHeader({ line, text }: Line, kind: SignalKind): CsvColumns | null {
  const names = fieldsOf(line, text).map((name) => name.trim());
  if (!names.some((name) => ID_NAMES.includes(name)) || !names.some((name) => VALUE_NAMES.includes(name)))
    return null;
  const id = onlyName(line, names, ID_NAMES);
  const value = onlyName(line, names, VALUE_NAMES);
  checkKind(line, value, kind);
  return { sampleId: names.indexOf(id), value: names.indexOf(value), count: names.length };
}

function readCsv({ line, text }: Line, columns: CsvColumns, kind: SignalKind): RecordedRow {
  const fields = fieldsOf(line, text);
  if (fields.length !== columns.count)
    throw malformed(line, `it has ${fields.length} fields, not ${columns.count}`);
  const number = fields[columns.value]!.trim();
  if (!DECIMAL.test(number)) throw malformed(line, 'the value is not a decimal number');
  return row(line, fields[columns.sampleId]!.trim(), Number(number), kind);
}

function fieldsOf(line: number, text: string): string[] {
  const fields = csvFields(text);
  if (!fields) throw malformed(line, 'its quotes do not match');
  return fields;
}

function checkKind(line: number, name: string, kind: SignalKind): void {
  if (!KINDS.includes(name as SignalKind) || name === kind) return;
  throw new InferenceError(
    'RECORDING_KIND_MISMATCH',
    `line ${line} holds a ${name}, but the recording is of kind ${kind}`,
    { details: { line, expected: kind, found: name } },
  );
}

function row(line: number, sampleId: unknown, value: number, kind: SignalKind): RecordedRow {
  if (!isSampleId(sampleId)) {
    throw malformed(
      line,
      'the sample id must be text of 1 to 256 characters, without control characters or outer spaces',
    );
  }
  const inRange = value >= 0 && (kind === 'loss' ? Number.isFinite(value) : value <= 1);
  if (!inRange) {
    const range = kind === 'loss' ? 'a finite number >= 0' : 'a number from 0 to 1';
    throw new InferenceError('RECORDING_VALUE_OUT_OF_RANGE', `line ${line}: a ${kind} must be ${range}`, {
      details: { line },
    });
  }
  return { line, sampleId, value: value === 0 ? 0 : value };
}
