import { randomBytes, randomUUID } from 'node:crypto';
import { CopiedRows } from '@app/persistence';
import { canonicalJson, hashLeaf, sealLeaf } from '@app/tlog';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../append-operation.js';
import { COMMITMENT_TYPE } from '../sealed-leaves.js';
import { type Block, BlockCheck } from './block-check.js';
import { ENTRY, OPENING } from './block-rows.js';

interface Row {
  index: bigint;
  requestId: string;
  position: number;
  sampleId: string;
  content: string;
  salt: Buffer;
  leaf: Uint8Array;
}

const REQUESTS = [randomUUID(), randomUUID()];
const shared = (requestId: string): JsonObject => ({
  dueAt: '2026-12-01T00:00:00.000Z',
  of: 3,
  request: requestId,
  sampleCount: 3,
  subject: 'é "quoted" \u2028',
});

/** Three commitments of one request, then three of another. */
function rowsFrom(first: bigint, sample = (n: number) => `sample "${n}" ü`): Row[] {
  return Array.from({ length: 6 }, (_, n) => {
    const requestId = REQUESTS[Math.floor(n / 3)]!;
    const [position, sampleId] = [(n % 3) + 9, sample(n)];
    const content = canonicalJson({ ...shared(requestId), position, sample: sampleId });
    const salt = randomBytes(32);
    return {
      ...{ index: first + BigInt(n), requestId, position, sampleId, content, salt },
      leaf: sealLeaf({ type: COMMITMENT_TYPE, content, salt }),
    };
  });
}

const int4 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const int8 = (value: bigint) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
};
const int2 = (value: number) => int4(value).subarray(2);

/** As PostgreSQL copies them out. */
function copied(rows: readonly (readonly (Uint8Array | null)[])[]): CopiedRows {
  const fields = rows.map((row) => [
    int2(row.length),
    ...row.flatMap((value) => (value ? [int4(value.length), value] : [int4(-1)])),
  ]);
  const result = new CopiedRows();
  result.append(Buffer.concat([Buffer.alloc(19), ...fields.flat(), int2(-1)]), false);
  result.index();
  return result;
}

const hashesOf = (rows: readonly Row[]) =>
  new Uint8Array(Buffer.concat(rows.map(({ leaf }) => hashLeaf(leaf))));
const uuid = ({ requestId }: Row) => Buffer.from(requestId.replaceAll('-', ''), 'hex');
const entriesOf = (rows: readonly Row[]) =>
  copied(rows.map(({ index, leaf }) => [int8(index), hashLeaf(leaf), leaf]));
const openingsOf = (rows: readonly Row[]) =>
  copied(
    rows.map(({ index, salt, sampleId, content }) => [
      int8(index),
      salt,
      Buffer.from(sampleId),
      Buffer.from(content),
    ]),
  );

function block(first: bigint, rows: readonly Row[], opened = rows, erased: readonly bigint[] = []): Block {
  return {
    first,
    count: 6,
    entries: entriesOf(rows),
    commitments: copied(rows.map((row) => [int8(row.index), uuid(row), int4(row.position)])),
    openings: openingsOf(opened),
    erased: new Set(erased),
  };
}

const says = (requestId: string, content: Readonly<Record<string, unknown>>) =>
  content['request'] === requestId;
const check = (columns: Block) => new BlockCheck(COMMITMENT_TYPE, says).leafHashes(columns);

describe('the quick look at a block', () => {
  it.each([0n, 4096n, 2n ** 32n - 3n, 2n ** 40n])(
    'accepts what is as it was sealed, from index %s on',
    (first) => {
      const rows = rowsFrom(first);
      expect(check(block(first, rows))).toEqual(hashesOf(rows));
    },
  );

  it.each<[string, (row: Row) => void]>([
    [
      'a leaf',
      (row) =>
        (row.leaf = Buffer.from(Buffer.from(row.leaf).toString().replace('"version":1', '"version":2'))),
    ],
    ['a salt', (row) => (row.salt = randomBytes(32))],
    ['a content', (row) => (row.content = row.content.replace('2026', '2027'))],
    ['a content that says so of another sample', (row) => (row.content = row.content.replace('ü', 'u'))],
    ['a content that is no JSON', (row) => (row.content = row.content.slice(1))],
    ['a sample', (row) => (row.sampleId += 'x')],
    ['a position', (row) => (row.position += 1)],
    ['a request', (row) => (row.requestId = randomUUID())],
    ['an index', (row) => (row.index += 1n)],
  ])('sees a change of %s, wherever it is', (_what, change) => {
    for (let n = 0; n < 6; n += 1) {
      const rows = rowsFrom(10n);
      change(rows[n]!);
      expect(check(block(10n, rows)), String(n)).toBeNull();
    }
  });

  it.each<[string, (n: number) => string]>([
    ['of one length', (n) => `s${n}`],
    ['of every length', (n) => 's'.repeat(n)],
    ['beyond a first buffer', (n) => 'é'.repeat(1000 * n)],
    ['that need escapes, some of them', (n) => ['a\\b', 'plain', '"', '\n', '\u2028\u007f', 'x'][n]!],
    ['with control characters', (n) => `a\u0001${n}`],
  ])('accepts samples %s', (_what, sample) => {
    const rows = rowsFrom(0n, sample);
    expect(check(block(0n, rows))).toEqual(hashesOf(rows));
  });

  it('leaves contents that are too long for slots to the precise look', () => {
    const rows = rowsFrom(0n, (n) => 'é'.repeat(n === 4 ? 32_768 : n));
    expect(check(block(0n, rows))).toBeNull();
  });

  it('seals more rows than there are slots, and sees a change in each round of them', () => {
    const rows = Array.from({ length: 25 }, (_, n) => rowsFrom(BigInt(6 * n))).flat();
    const whole = () => ({ ...block(0n, rows), count: rows.length });
    const intact = new BlockCheck(COMMITMENT_TYPE, says);
    expect(intact.leafHashes(whole())).toEqual(hashesOf(rows));
    for (const n of [0, 63, 64, 127, 128, 149]) {
      const changed = whole();
      changed.openings.bytes[changed.openings.at(n, OPENING.salt)]! ^= 1;
      expect(intact.leafHashes(changed), String(n)).toBeNull();
      expect(intact.leafHashes(whole()), String(n)).toEqual(hashesOf(rows));
    }
  });

  it('sees a byte moved from one row to the next', () => {
    const [sample, content] = [rowsFrom(0n), rowsFrom(0n)];
    sample[1]!.sampleId += 's';
    sample[2]!.sampleId = sample[2]!.sampleId.slice(1);
    content[1]!.content += '{';
    content[2]!.content = content[2]!.content.slice(1);
    for (const rows of [sample, content]) expect(check(block(0n, rows))).toBeNull();
    const rows = rowsFrom(0n);
    const salts = openingsOf(
      rows.map((row, n) => ({
        ...row,
        salt:
          n === 1
            ? Buffer.concat([row.salt, rows[2]!.salt.subarray(0, 1)])
            : row.salt.subarray(n === 2 ? 1 : 0),
      })),
    );
    expect(check({ ...block(0n, rows), openings: salts })).toBeNull();
    const leaves = Buffer.concat([rows[1]!.leaf, rows[2]!.leaf]);
    const cut = rows[1]!.leaf.length + 1;
    const entries = copied(
      rows.map(({ index, leaf }, n) => [
        int8(index),
        hashLeaf(leaf),
        n === 1 ? leaves.subarray(0, cut) : n === 2 ? leaves.subarray(cut) : leaf,
      ]),
    );
    expect(check({ ...block(0n, rows), entries })).toBeNull();
  });

  it.each([0, 1, 2, 3, 4, 5])('sees a value that is missing, in row %s', (n) => {
    const rows = rowsFrom(0n);
    const intact = block(0n, rows);
    for (const table of ['entries', 'commitments', 'openings'] as const) {
      const values = intact[table].values();
      for (let column = 1; column < values[n]!.length; column += 1) {
        const holed = values.map((row, at) =>
          row.map((value, of) => (at === n && of === column ? null : value)),
        );
        expect(check({ ...intact, [table]: copied(holed) }), `${table} ${column}`).toBeNull();
      }
    }
  });

  it('sees a leaf hash that differs, and rows too few and too many', () => {
    const rows = rowsFrom(0n);
    const changed = block(0n, rows);
    changed.entries.bytes[changed.entries.at(1, ENTRY.leafHash) + 8]! ^= 1;
    expect(check(changed)).toBeNull();
    expect(check(block(0n, rows.slice(0, 5)))).toBeNull();
    expect(check(block(0n, rows, [...rows, rows[5]!]))).toBeNull();
    expect(check(block(0n, [...rows, ...rowsFrom(6n).slice(0, 1)]))).toBeNull();
  });

  it('accepts a missing opening where the request is erased, and nowhere else', () => {
    const rows = rowsFrom(7n);
    const opened = rows.filter((_row, n) => n !== 0 && n !== 4);
    expect(check(block(7n, rows, opened, [7n, 11n]))).toEqual(hashesOf(rows));
    expect(check(block(7n, rows, opened, [7n]))).toBeNull();
    expect(check(block(7n, rows, opened))).toBeNull();
    const forged = block(7n, rows, opened, [7n, 11n]);
    forged.entries.bytes[forged.entries.at(0, ENTRY.leaf) + 20]! ^= 1;
    expect(check(forged)).toBeNull();
  });
});
