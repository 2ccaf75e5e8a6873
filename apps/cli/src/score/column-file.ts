/**
 * Columns of numbers as people have them: one value a line with or without a header line, or a column of a CSV file
 * with a header or of NDJSON, named FILE#column; gzip or not. Proven by column-file.spec.ts.
 */
import { existsSync } from 'node:fs';
import type { SignalKind } from '@app/iam';
import { CliError } from '../errors.js';
import { readLines } from '../read-input.js';

export type ValueKind = SignalKind | 'label';

const KINDS: Readonly<Record<ValueKind, { readonly words: string; allows: (value: number) => boolean }>> = {
  loss: { words: 'a loss, which is a number of at least 0', allows: (value) => value >= 0 },
  probability: { words: 'a probability, which is a number from 0 to 1', allows: (p) => p >= 0 && p <= 1 },
  label: { words: 'a label, which is 0 or 1', allows: (label) => label === 0 || label === 1 },
};

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
/** How programs write that there is no usable number; an infinite signal cannot be scored either. */
const NO_NUMBER = /^([+-]?nan|[+-]?inf(inity)?|null|none|na)?$/i;
const BOOLEANS: Readonly<Record<string, number>> = { true: 1, false: 0 };

/** A value as text; null for a line that holds none (the header). */
type CellReader = (text: string, line: number) => Promise<string | null> | string | null;

interface Source {
  readonly name: string;
  readonly path: string;
  readonly column: string | null;
}

/**
 * The numbers of one column in file order; NaN where a signal is missing or not finite (labels may not be).
 * @throws CliError CLI_FILE_UNREADABLE, CLI_FILE_EMPTY, CLI_COLUMN_MISSING, CLI_LINE_MALFORMED naming file and line
 */
export async function readColumn(source: string, kind: ValueKind): Promise<Float64Array> {
  const place = placeOf(source);
  let cellOf: CellReader | null = null;
  let line = 0;
  const values: number[] = [];
  const blanks: number[] = [];
  for await (const raw of readLines(place.path)) {
    line += 1;
    const text = line === 1 ? raw.replace(/^\uFEFF/, '') : raw;
    if (text.trim() === '') {
      blanks.push(line);
      continue;
    }
    // Blank lines at the end are nothing; one before a value would shift every sample behind it.
    if (blanks.length > 0 && values.length > 0)
      throw malformed(place, blanks[0]!, 'it is blank, and values follow');
    cellOf ??= readerFor(place, text);
    const cell = await cellOf(text, line);
    if (cell !== null) values.push(numberIn(cell, kind, place, line));
  }
  if (values.length > 0) return Float64Array.from(values);
  throw new CliError('CLI_FILE_EMPTY', `${place.path} holds no value`);
}

/** `FILE#column`, unless a file of that whole name exists. */
function placeOf(source: string): Source {
  const hash = source.lastIndexOf('#');
  if (hash < 1 || existsSync(source)) return { name: source, path: source, column: null };
  return { name: source, path: source.slice(0, hash), column: source.slice(hash + 1) };
}

function readerFor(place: Source, firstLine: string): CellReader {
  if (place.column === null) return plainCell();
  return firstLine.trimStart().startsWith('{') ? jsonCell(place, place.column) : csvCell(place, place.column);
}

/** One value a line; a first line that is no value is a header. */
function plainCell(): CellReader {
  let first = true;
  return (text) => {
    const cell = text.trim();
    const header = first && !isValue(cell);
    first = false;
    return header ? null : cell;
  };
}

const isValue = (cell: string): boolean =>
  DECIMAL.test(cell) || NO_NUMBER.test(cell) || cell.toLowerCase() in BOOLEANS;

function jsonCell(place: Source, column: string): CellReader {
  return (text, line) => {
    const row = parsed(text);
    if (typeof row !== 'object' || row === null || Array.isArray(row))
      throw malformed(place, line, 'it is no JSON object');
    if (!(column in row)) throw missing(place, `line ${line} has no field "${column}"`);
    const value = (row as Record<string, unknown>)[column];
    return value === null || ['number', 'string', 'boolean'].includes(typeof value)
      ? String(value).trim()
      : '?';
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function csvCell(place: Source, column: string): CellReader {
  let at: number | null = null;
  let width = 0;
  return async (text, line) => {
    const { csvFieldsOfLine } = await import('./csv-fields-of-line.js');
    const fields = csvFieldsOfLine(text);
    if (!fields) throw malformed(place, line, 'its quotes do not match');
    if (at === null) {
      const names = fields.map((name) => name.trim());
      at = names.indexOf(column);
      width = names.length;
      if (at === -1) throw missing(place, `its columns are ${names.join(', ')}`);
      return null;
    }
    if (fields.length !== width)
      throw malformed(place, line, `it has ${fields.length} fields, the header has ${width}`);
    return fields[at]!.trim();
  };
}

function numberIn(cell: string, kind: ValueKind, place: Source, line: number): number {
  const { words, allows } = KINDS[kind];
  if (kind !== 'label' && NO_NUMBER.test(cell)) return NaN;
  const value = kind === 'label' ? (BOOLEANS[cell.toLowerCase()] ?? numberOf(cell)) : numberOf(cell);
  if (allows(value)) return Number.isFinite(value) ? value : NaN;
  const hint = place.column === null && /[,{]/.test(cell) ? '; name a column as FILE#column' : '';
  throw malformed(place, line, `"${cell.slice(0, 40)}" is not ${words}${hint}`);
}

const numberOf = (cell: string): number => (DECIMAL.test(cell) ? Number(cell) : NaN);

function malformed({ path }: Source, line: number, why: string): CliError {
  return new CliError('CLI_LINE_MALFORMED', `${path}, line ${line}: ${why}`, { details: { path, line } });
}

function missing({ name, path, column }: Source, why: string): CliError {
  return new CliError('CLI_COLUMN_MISSING', `${path} has no column "${column ?? ''}": ${why}`, {
    details: { source: name },
  });
}
