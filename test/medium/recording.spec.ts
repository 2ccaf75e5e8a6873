import { auditRecordings } from '@app/inference';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { bytesOf, openRegistry, PLATFORM, type RegistryBench, rowCounts } from '../support/registry.js';
import { useTestDatabase } from '../support/test-database.js';

const database = useTestDatabase();
let bench: RegistryBench;
const openBench = async () => (bench ??= await openRegistry(database()));
afterAll(() => bench?.close());

const store = async (file: string | Uint8Array, signalKind: 'loss' | 'probability' = 'loss') =>
  (await openBench()).recordings.store(bytesOf(file), { signalKind, uploadedBy: PLATFORM });

describe('store', () => {
  it('keeps rows with their lines and gives them back in code point order', async () => {
    const { recordingId, rowCount, digest } = await store('id,loss\nz,1\n😀,0.1\n\uFFFD,2e-7\na,3\n');
    const rows = [];
    for await (const row of bench.recordings.rows(recordingId)) rows.push(row);
    expect(rows).toEqual([
      { line: 5, sampleId: 'a', value: 3 },
      { line: 2, sampleId: 'z', value: 1 },
      { line: 4, sampleId: '\uFFFD', value: 2e-7 },
      { line: 3, sampleId: '😀', value: 0.1 },
    ]);
    expect(rowCount).toBe(4);
    expect(await bench.recordings.get(recordingId)).toMatchObject({
      recordingId,
      digest,
      signalKind: 'loss',
      rowCount: 4,
      uploadedBy: PLATFORM,
    });
  });

  it('knows content again in another order, format and compression, but not as another kind', async () => {
    const first = await store('p,0.25\nq,0.5\n');
    const before = await rowCounts(database());
    expect(await store(gzipSync('{"id":"q","loss":0.50}\n{"id":"p","value":25e-2}'))).toEqual(first);
    expect(await rowCounts(database())).toEqual(before);
    const other = await store('p,0.25\nq,0.5\n', 'probability');
    expect(other.recordingId).not.toBe(first.recordingId);
    expect(other.digest).toBe(first.digest);
  });

  it('stores equal content once when eight send it at the same moment', async () => {
    await openBench();
    const before = await rowCounts(database());
    const file = Array.from({ length: 500 }, (_, i) => `same-${i},${i}\n`).join('');
    const all = await Promise.all(Array.from({ length: 8 }, () => store(file)));
    expect(new Set(all.map((one) => one.recordingId)).size).toBe(1);
    const after = await rowCounts(database());
    expect(after['recording']! - before['recording']!).toBe(1);
    expect(after['recorded_signal']! - before['recorded_signal']!).toBe(500);
  });

  it('keeps values bit for bit', async () => {
    const values = [Number.MIN_VALUE, Number.MAX_VALUE, 0.1 + 0.2, 1 / 3, 2 ** -1022, 123456789.12345679, 0];
    const { recordingId } = await store(values.map((value, i) => `bits-${i},${value}\n`).join(''));
    const read = await bench.recordings.values(
      [recordingId],
      values.map((_, i) => `bits-${i}`),
    );
    expect([...read]).toEqual(values);
  });

  it.each([
    ['a malformed last line', `${'x'.repeat(5)},1\ny,?`, 'RECORDING_MALFORMED_LINE', { line: 2 }],
    ['a value out of range', 'x,1\ny,-1', 'RECORDING_VALUE_OUT_OF_RANGE', { line: 2 }],
    ['a sample twice', 'x,1\nc,5\ny,2\nc,5\nx,1\n', 'RECORDING_DUPLICATE_SAMPLE', { line: 4, firstLine: 2 }],
    ['a sample three times', 'x,1\nx,1\nx,1\n', 'RECORDING_DUPLICATE_SAMPLE', { line: 2, firstLine: 1 }],
    ['nothing', '', 'RECORDING_EMPTY', {}],
    ['the other kind', 'id,probability\nx,1', 'RECORDING_KIND_MISMATCH', { line: 1 }],
  ])('refuses %s and keeps nothing', async (_, file, code, details) => {
    await openBench();
    const before = await rowCounts(database());
    await expect(store(file)).rejects.toMatchObject({ code, details });
    await expect(store(gzipSync(file))).rejects.toMatchObject({ code, details });
    expect(await rowCounts(database())).toEqual(before);
  });

  it('refuses a malformed line after many batches and keeps nothing', async () => {
    await openBench();
    const before = await rowCounts(database());
    const file = `${Array.from({ length: 30_000 }, (_, i) => `many-${i},1\n`).join('')}broken\n`;
    await expect(store(gzipSync(file))).rejects.toMatchObject({ details: { line: 30_001 } });
    expect(await rowCounts(database())).toEqual(before);
  });

  it('keeps nothing of an upload that breaks off', async () => {
    await openBench();
    const before = await rowCounts(database());
    async function* broken() {
      yield await Promise.resolve(Buffer.from('x,1\n'.repeat(1)));
      throw new Error('client went away');
    }
    await expect(
      bench.recordings.store(broken(), { signalKind: 'loss', uploadedBy: PLATFORM }),
    ).rejects.toThrow('client went away');
    expect(await rowCounts(database())).toEqual(before);
  });
});

describe('values', () => {
  let first: string;
  let second: string;
  beforeEach(async () => {
    ({ recordingId: first } = await store('v1,1\nv2,2\n'));
    ({ recordingId: second } = await store('v2,20\nv3,30\n'));
  });

  it('follows the order asked for, NaN where missing, repeats included', async () => {
    const read = await bench.recordings.values([first], ['v2', 'nobody', 'v1', 'v2']);
    expect([...read]).toEqual([2, NaN, 1, 2]);
  });

  it('lets the earlier recording count', async () => {
    expect([...(await bench.recordings.values([first, second], ['v1', 'v2', 'v3']))]).toEqual([1, 2, 30]);
    expect([...(await bench.recordings.values([second, first], ['v1', 'v2', 'v3']))]).toEqual([1, 20, 30]);
  });

  it('gives NaN for no recording and nothing for no sample', async () => {
    expect([...(await bench.recordings.values([], ['v1']))]).toEqual([NaN]);
    expect([...(await bench.recordings.values([first], []))]).toEqual([]);
  });
});

describe('get', () => {
  it.each(['00000000-0000-8000-8000-000000000000', 'no-uuid', ''])('has no recording %j', async (id) => {
    await openBench();
    await expect(bench.recordings.get(id)).rejects.toMatchObject({ code: 'RECORDING_NOT_FOUND' });
  });
});

describe('auditRecordings', () => {
  /** Changes a row as a superuser who takes the triggers away, looks, and puts it back. */
  async function tampered(change: string, undo: string): Promise<readonly object[]> {
    const { admin, db } = database();
    const around = (statement: string) =>
      admin.unsafe(`set local lacuna.maintenance = 'on'; alter table recording disable trigger refuse_change;
        alter table recorded_signal disable trigger refuse_change; alter table recorded_signal disable trigger only_erased_signal;
        ${statement};
        alter table recording enable always trigger refuse_change; alter table recorded_signal enable always trigger refuse_change;
        alter table recorded_signal enable always trigger only_erased_signal`);
    await around(change);
    try {
      return await auditRecordings(db);
    } finally {
      await around(undo);
    }
  }

  it('finds nothing where nothing was changed, and names what was', async () => {
    const { recordingId } = await store('t1,1\nt2,2\n');
    const where = `where recording_id = '${recordingId}'`;
    const { db } = database();
    expect(await auditRecordings(db)).toEqual([]);
    const place = { log: 'recording', index: recordingId };
    const cases = [
      ['value = 3', 'value = 2', 'recorded_signal', `and sample_id = 't2'`, 'recorded_signal.value'],
      ['row_count = 3', 'row_count = 2', 'recording', '', 'recording.row_count'],
      [`signal_kind = 'probability'`, `signal_kind = 'loss'`, 'recording', '', 'recording.signal_kind'],
    ] as const;
    for (const [change, undo, table, and, field] of cases) {
      const sqlOf = (set: string) => `update ${table} set ${set} ${where} ${and}`;
      const findings = await tampered(sqlOf(change), sqlOf(undo));
      expect(findings).toEqual([expect.objectContaining({ ...place, field })]);
    }
    const [kept] = await database().admin.unsafe<{ hex: string }[]>(
      `select encode(digest, 'hex') as hex from lacuna.recording ${where}`,
    );
    const digestFindings = await tampered(
      `update recording set digest = sha256('x') ${where}`,
      `update recording set digest = decode('${kept!.hex}', 'hex') ${where}`,
    );
    expect(digestFindings).toEqual([expect.objectContaining({ ...place, field: 'recording.digest' })]);
    expect(await auditRecordings(db)).toEqual([]);
  });
});
