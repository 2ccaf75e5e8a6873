/**
 * The audit of a log of several chunks: in this thread and in others, from the beginning and from a kept checkpoint, while
 * entries are appended, and with something changed in each part.
 */
import { randomUUID } from 'node:crypto';
import { type AuditOptions, auditLedger } from '@app/ledger';
import { signCheckpoint } from '@app/tlog';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CompiledThread, compileAuditThread } from '../support/audit-thread.js';
import { makeTestLedger } from '../support/ledger.js';
import { modelOperation, requestOperation } from '../support/operations.js';
import { testDatabase, type TestDatabase } from '../support/test-database.js';

/** Sizes of the checkpoints: around the ends of tiles and chunks. */
const SIZES = [256, 65_535, 65_536, 65_800, 66_000];
const SIZE = 66_000n;

describe('the audit in chunks', () => {
  let database: TestDatabase;
  let ledger: ReturnType<typeof makeTestLedger>;
  let thread: CompiledThread;
  let origin: string;
  let logId: number;
  let modelId: string;

  beforeAll(async () => {
    thread = await compileAuditThread();
    database = await testDatabase();
    ledger = makeTestLedger(database.db);
    await ledger.service.open();
    modelId = randomUUID();
    await ledger.service.append(modelOperation(modelId));
    let size = 0;
    for (const next of SIZES) {
      await append(size, next);
      await ledger.integrator.integrateAll();
      size = next;
    }
    ({ origin, logId } = await ledger.service.commitmentLog(modelId));
  });
  afterAll(async () => {
    await database.close();
    thread.remove();
  });

  async function append(from: number, to: number): Promise<void> {
    for (let first = from; first < to; first += 8000) {
      const samples = Array.from({ length: Math.min(8000, to - first) }, (_, n) => `sample-${first + n}`);
      await ledger.service.append(requestOperation(modelId, samples));
    }
  }

  const audit = (options: Partial<AuditOptions> = {}) =>
    auditLedger(database.db, { verifierFor: ledger.verifierFor, ...options });
  const inThreads = () => ({ threads: { address: database.address, count: 2, file: thread.file } });
  const keptAt = async (size: number) => {
    const log = (await ledger.service.findLog(origin))!;
    return new Map([[origin, (await ledger.service.checkpoint(log, BigInt(size)))!.note]]);
  };

  /** Runs `check` with one statement done by a superuser with the guards off, and undoes it. */
  async function tampered(
    table: string,
    change: string,
    undo: string,
    check: () => Promise<void>,
  ): Promise<void> {
    const unguarded = (statement: string) =>
      database.admin.begin(async (tx) => {
        await tx.unsafe(`set local lacuna.maintenance = 'on'`);
        await tx.unsafe(`alter table lacuna.${table} disable trigger all`);
        expect((await tx.unsafe(statement)).count).toBe(1);
        await tx.unsafe(`alter table lacuna.${table} enable trigger all`);
      });
    await unguarded(change);
    try {
      await check();
    } finally {
      await unguarded(undo);
    }
  }

  it('finds nothing in an untouched log, wherever it begins and whoever does it', async () => {
    const whole = await audit();
    expect(whole.findings).toEqual([]);
    expect(whole.logs.map(({ entries }) => entries)).toEqual([1n, SIZE]);
    const threaded = await audit(inThreads());
    expect(threaded).toEqual(whole);
    expect(whole.logs[1]!.tiles).toBeGreaterThan(258);
    for (const size of SIZES.slice(1)) {
      const later = await audit({ kept: await keptAt(size) });
      expect(later.findings, String(size)).toEqual([]);
      expect(later.logs[1]).toMatchObject({ from: BigInt(size), entries: SIZE - BigInt(size) });
      expect(later.logs[1]!.checkpoint).toBe(whole.logs[1]!.checkpoint);
    }
  }, 240_000);

  it('sees one moment, whatever is appended and integrated meanwhile', async () => {
    const appended: Promise<void>[] = [];
    const report = await audit({
      ...inThreads(),
      onProgress: ({ log }) => {
        if (log === origin && appended.length === 0)
          appended.push(append(66_000, 66_010).then(() => ledger.integrator.integrateAll()));
      },
    });
    expect(appended.length).toBe(1);
    await Promise.all(appended);
    expect(report.findings).toEqual([]);
    expect(report.logs[1]!.entries).toBe(SIZE);
    expect((await audit({ kept: await keptAt(66_000) })).logs[1]).toMatchObject({ entries: 10n });
  });

  it.each([
    ['entry', 'leaf_hash', `set_byte(leaf_hash, 3, 255 - get_byte(leaf_hash, 3))`, 'entry.leaf_hash'],
    ['commitment', 'position', `-1 * position + 70000`, 'commitment.position'],
    ['commitment_opening', 'salt', `set_byte(salt, 3, 255 - get_byte(salt, 3))`, 'commitment_opening.salt'],
  ])(
    'names one changed leaf of the second chunk in every thread: %s.%s',
    async (table, column, value, field) => {
      const change = `update lacuna.${table} set ${column} = ${value} where log_id = ${logId} and leaf_index = 65700`;
      await tampered(table, change, change, async () => {
        const expected = [{ log: origin, index: '65700', field }];
        expect((await audit(inThreads())).findings).toMatchObject(expected);
        expect((await audit({ kept: await keptAt(65_536) })).findings).toMatchObject(expected);
        // What was audited before is not looked at again: that is what a full audit is for.
        expect((await audit({ kept: await keptAt(65_800) })).findings).toEqual([]);
      });
    },
  );

  it.each([
    ['a partial one of level 1', 'level = 1 and tile_index = 1 and width = 1', '1/1'],
    ['one of level 2', 'level = 2 and tile_index = 0 and width = 1', '2/0'],
    ['a full one of the first chunk', 'level = 0 and tile_index = 3 and width = 256', '0/3'],
  ])('names a changed tile: %s', async (_name, where, index) => {
    const change = `update lacuna.tile set hashes = set_byte(hashes, 5, 255 - get_byte(hashes, 5)) where log_id = ${logId} and ${where}`;
    await tampered('tile', change, change, async () => {
      expect((await audit()).findings).toContainEqual(
        expect.objectContaining({ log: origin, index, field: 'tile.hashes' }),
      );
    });
  });

  it('says when the tiles do not lead to the kept checkpoint', async () => {
    const change = `update lacuna.tile set hashes = set_byte(hashes, 5, 255 - get_byte(hashes, 5))
      where log_id = ${logId} and level = 1 and tile_index = 0 and width = 256`;
    await tampered('tile', change, change, async () => {
      const { findings } = await audit({ kept: await keptAt(65_800) });
      // Level 2 leads there by itself; below it the chunk is not looked at.
      expect(findings).toEqual([]);
    });
    const edge = `update lacuna.tile set hashes = set_byte(hashes, 5, 255 - get_byte(hashes, 5))
      where log_id = ${logId} and level = 0 and tile_index = 257 and width = 8`;
    await tampered('tile', edge, edge, async () => {
      const { findings } = await audit({ kept: await keptAt(65_800) });
      expect(findings).toContainEqual(
        expect.objectContaining({ log: origin, index: '65800', field: 'tile.hashes' }),
      );
    });
  });

  it('says when the log has fewer entries than were signed', async () => {
    const checkpoint = { origin, treeSize: 1_000_000n, rootHash: new Uint8Array(32) };
    const kept = new Map([[origin, signCheckpoint(checkpoint, [ledger.signerFor(origin)])]]);
    const report = await audit({ ...inThreads(), kept });
    expect(report.findings).toMatchObject([{ log: origin, index: '1000000', field: 'log_head.next_index' }]);
    expect(report.logs[1]!.from).toBe(0n);
  });

  it('refuses a kept checkpoint that the log did not sign, and fails with a thread that fails', async () => {
    const other = makeTestLedger(database.db);
    await expect(audit({ kept: await keptAt(256), verifierFor: other.verifierFor })).rejects.toMatchObject({
      code: 'TLOG_NOTE_UNSIGNED',
    });
    const address = { ...database.address, database: 'no_such_database' };
    await expect(audit({ threads: { address, count: 2, file: thread.file } })).rejects.toThrow(
      'no_such_database',
    );
  });
});
