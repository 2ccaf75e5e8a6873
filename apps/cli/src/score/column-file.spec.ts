import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { readColumn } from './column-file.js';

const folder = mkdtempSync(join(tmpdir(), 'lacuna-columns-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function file(content: string | Buffer, name = 'values'): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const loss = async (content: string | Buffer, column = '') =>
  Array.from(await readColumn(file(content) + column, 'loss'));

describe('one value a line', () => {
  it.each([
    ['with a header', 'nlloss :\n1.5\n0.25\n'],
    ['without one', '1.5\n0.25\n'],
    ['with a byte order mark, CRLF and blank lines at the end', '\uFEFF1.5\r\n.25\r\n\r\n\n'],
    ['without a last line end', '1.5\n2.5e-1'],
    ['packed, whatever the name', gzipSync('x\n1.5\n0.25\n')],
  ])('%s', async (_name, content) => {
    expect(await loss(content)).toEqual([1.5, 0.25]);
  });

  it('takes what is no finite number as a missing signal, in the first line too', async () => {
    expect(await loss('nan\n1\nNone\n-inf\n1e999\n')).toEqual([NaN, 1, NaN, NaN, NaN]);
  });
});

describe('FILE#column', () => {
  it.each([
    ['CSV', 'id,nll,text\na,1.5,"x, y"\nb,,"""q"""\nc,0.25,\n'],
    ['NDJSON', '{"id":"a","nll":1.5}\n{"nll":null}\n{"nll":"0.25"}\n'],
    ['packed NDJSON', gzipSync('{"nll":1.5}\n{"nll":"NaN"}\n{"nll":0.25}\n')],
  ])('%s', async (_name, content) => {
    expect(await loss(content, '#nll')).toEqual([1.5, NaN, 0.25]);
  });

  it('is a file name where there is such a file', async () => {
    expect(Array.from(await readColumn(file('7\n', 'strange#name'), 'loss'))).toEqual([7]);
  });
});

describe('refusals name file and line', () => {
  it.each([
    ['text between values', '1\ntwo\n', '', 'CLI_LINE_MALFORMED', 'line 2: "two" is not a loss'],
    ['a negative loss', 'h\n1\n-0.5\n', '', 'CLI_LINE_MALFORMED', 'line 3'],
    ['a blank line between values', '1\n\n\n2\n', '', 'CLI_LINE_MALFORMED', 'line 2: it is blank'],
    ['a table without a column', 'a,b\n1,2\n', '', 'CLI_LINE_MALFORMED', 'name a column as FILE#column'],
    ['a row that is too short', 'a,b\n1,2\n3\n', '#a', 'CLI_LINE_MALFORMED', 'line 3: it has 1 fields'],
    ['open quotes', 'a,b\n"1,2\n', '#a', 'CLI_LINE_MALFORMED', 'line 2: its quotes'],
    ['broken JSON', '{"a":1}\n{"a":\n', '#a', 'CLI_LINE_MALFORMED', 'line 2: it is no JSON object'],
    ['an object as value', '{"a":1}\n{"a":{}}\n', '#a', 'CLI_LINE_MALFORMED', 'line 2'],
    ['a column that is not there', 'a,b\n1,2\n', '#c', 'CLI_COLUMN_MISSING', 'its columns are a, b'],
    ['a field that is not there', '{"a":1}\n{"b":1}\n', '#a', 'CLI_COLUMN_MISSING', 'line 2 has no field'],
    ['nothing', 'header\n', '', 'CLI_FILE_EMPTY', 'holds no value'],
    ['damaged gzip', gzipSync('1\n2\n').subarray(0, 15), '', 'CLI_FILE_UNREADABLE', 'cannot read'],
  ])('%s', async (_name, content, column, code, message) => {
    await expect(loss(content, column)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message) as string,
    });
  });

  it.each([
    ['label', '1\n0\nnan\n', 'line 3'],
    ['label', '1\n2\n', 'line 2: "2" is not a label'],
    ['probability', '0\n1\n1.01\n', 'line 3: "1.01" is not a probability'],
  ] as const)('of a %s: %j', async (kind, content, message) => {
    await expect(readColumn(file(content), kind)).rejects.toMatchObject({
      code: 'CLI_LINE_MALFORMED',
      message: expect.stringContaining(message) as string,
    });
  });

  it('of a file that is not there', async () => {
    await expect(readColumn(join(folder, 'absent'), 'loss')).rejects.toMatchObject({
      code: 'CLI_FILE_UNREADABLE',
    });
  });
});
