import { randomBytes, randomUUID } from 'node:crypto';
import { canonicalJson, hashLeaf, sealLeaf } from '@app/tlog';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../append-operation.js';
import { COMMITMENT_TYPE } from '../sealed-leaves.js';
import { type Block, BlockCheck } from './block-check.js';
import { SEPARATOR } from './expected-contents.js';

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
const texts = (rows: readonly Row[], text: (row: Row) => string) =>
  Buffer.from(rows.map(text).join(String.fromCharCode(SEPARATOR)));
const column = <T>(rows: readonly T[], bytes: (row: T) => Uint8Array) => Buffer.concat(rows.map(bytes));

function block(first: bigint, rows: readonly Row[], opened = rows, erased: readonly bigint[] = []): Block {
  const uuid = ({ requestId }: Row) => Buffer.from(requestId.replaceAll('-', ''), 'hex');
  return {
    first,
    count: 6,
    entries: {
      indexes: column(rows, ({ index }) => int8(index)),
      leafHashes: column(rows, ({ leaf }) => hashLeaf(leaf)),
      leafLengths: column(rows, ({ leaf }) => int4(leaf.length)),
      leaves: column(rows, ({ leaf }) => leaf),
      areWhole: true,
    },
    commitments: {
      indexes: column(rows, ({ index }) => int8(index)),
      requestIds: column(rows, uuid),
      positions: column(rows, ({ position }) => int4(position)),
    },
    openings: {
      indexes: column(opened, ({ index }) => int8(index)),
      salts: column(opened, ({ salt }) => salt),
      samples: texts(opened, ({ sampleId }) => sampleId),
      contents: texts(opened, ({ content }) => content),
      areWhole: opened.every(({ salt }) => salt.length === 32),
    },
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
      expect(check(block(first, rows))).toEqual(new Uint8Array(column(rows, ({ leaf }) => hashLeaf(leaf))));
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
  ])('accepts samples %s', (_what, sample) => {
    const rows = rowsFrom(0n, sample);
    expect(check(block(0n, rows))).toEqual(new Uint8Array(column(rows, ({ leaf }) => hashLeaf(leaf))));
  });

  it('leaves samples that hold the separator to the precise audit', () => {
    expect(
      check(
        block(
          0n,
          rowsFrom(0n, (n) => `a\u0001${n}`),
        ),
      ),
    ).toBeNull();
  });

  it('sees a byte moved from one row to the next', () => {
    const [sample, content] = [rowsFrom(0n), rowsFrom(0n)];
    sample[1]!.sampleId += 's';
    sample[2]!.sampleId = sample[2]!.sampleId.slice(1);
    content[1]!.content += '{';
    content[2]!.content = content[2]!.content.slice(1);
    for (const rows of [sample, content]) expect(check(block(0n, rows))).toBeNull();
    const leaf = rowsFrom(0n);
    const intact = block(0n, leaf);
    expect(check({ ...intact, entries: { ...intact.entries, areWhole: false } })).toBeNull();
    expect(check({ ...intact, openings: { ...intact.openings, areWhole: false } })).toBeNull();
    intact.entries.leafLengths.writeInt32BE(leaf[1]!.leaf.length + 1, 4);
    intact.entries.leafLengths.writeInt32BE(leaf[2]!.leaf.length - 1, 8);
    expect(check(intact)).toBeNull();
  });

  it('sees a leaf hash that differs, and rows too few and too many', () => {
    const rows = rowsFrom(0n);
    const columns = block(0n, rows);
    columns.entries.leafHashes[40]! ^= 1;
    expect(check(columns)).toBeNull();
    expect(check(block(0n, rows.slice(0, 5)))).toBeNull();
    expect(check(block(0n, rows, [...rows, rows[5]!]))).toBeNull();
    expect(check(block(0n, [...rows, ...rowsFrom(6n).slice(0, 1)]))).toBeNull();
  });

  it('accepts a missing opening where the request is erased, and nowhere else', () => {
    const rows = rowsFrom(7n);
    const opened = rows.filter((_row, n) => n !== 0 && n !== 4);
    const hashes = column(rows, ({ leaf }) => hashLeaf(leaf));
    expect(check(block(7n, rows, opened, [7n, 11n]))).toEqual(new Uint8Array(hashes));
    expect(check(block(7n, rows, opened, [7n]))).toBeNull();
    expect(check(block(7n, rows, opened))).toBeNull();
    const forged = block(7n, rows, opened, [7n, 11n]);
    forged.entries.leaves[20]! ^= 1;
    expect(check(forged)).toBeNull();
  });
});
