import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { CodedError } from '@app/errors';
import { type AppendOperation, type Json, SharedWrite } from '@app/ledger';
import type { Tx } from '@app/persistence';
import { checkInclusion, hashLeaf, MemoryTree, openCheckpoint, checkConsistency, sealLeaf } from '@app/tlog';
import { sql } from 'kysely';
import { beforeEach, describe, expect, it } from 'vitest';
import { modelOperation, requestOperation } from '../support/operations.js';
import { makeTestLedger, TEST_LEDGER, TEST_TIME } from '../support/ledger.js';
import { useTestDatabase } from '../support/test-database.js';

const database = useTestDatabase();

class RefusedError extends CodedError<'REFUSED'> {}

const count = async (
  table: 'entry' | 'commitment' | 'model' | 'event' | 'idempotency_key',
): Promise<number> => {
  const row = await database()
    .db.selectFrom(table)
    .select((eb) => eb.fn.countAll<bigint>().as('n'))
    .executeTakeFirstOrThrow();
  return Number(row.n);
};

describe('the ledger', () => {
  let ledger: ReturnType<typeof makeTestLedger>;
  let modelId: string;
  beforeEach(async () => {
    ledger = makeTestLedger(database().db);
    await ledger.service.open();
    modelId = randomUUID();
    await ledger.service.append(modelOperation(modelId));
  });

  it('gives 64 concurrent appends dense indexes, each once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 64 }, (_, n) =>
        ledger.service.append(requestOperation(modelId, [`a${n}`, `b${n}`])),
      ),
    );
    const indexes = answers.flatMap((answer) => answer.indexes.map(Number)).sort((a, b) => a - b);
    expect(indexes).toEqual(Array.from({ length: 128 }, (_, index) => index));
    for (const { indexes: own } of answers) expect(Number(own[1])).toBe(Number(own[0]) + 1);
  });

  it('lets two daemons append to one log at once', async () => {
    const other = makeTestLedger(database().db);
    await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        (n % 2 ? ledger : other).service.append(requestOperation(modelId, [`s${n}`])),
      ),
    );
    const log = await ledger.service.commitmentLog(modelId);
    expect(await ledger.service.nextIndex(log.logId)).toBe(40n);
  });

  it('is not opened under another name', async () => {
    const events = await ledger.service.eventLog();
    const logs = await ledger.service.logs();
    await expect(
      makeTestLedger(database().db, { ledgerName: 'renamed.test' }).service.open(),
    ).rejects.toMatchObject({
      code: 'LEDGER_NAME_CHANGED',
      details: { name: TEST_LEDGER, given: 'renamed.test' },
    });
    expect(await ledger.service.logs()).toEqual(logs);
    await ledger.service.open();
    expect(await ledger.service.eventLog()).toEqual(events);
  });

  it('goes on with its first event log where there is a second one, from before other names were refused', async () => {
    const { db } = database();
    const events = await ledger.service.eventLog();
    const before = await ledger.service.nextIndex(events.logId);
    await ledger.repository.createLog(db, { origin: 'renamed.test/events', kind: 'events', modelId: null });
    await ledger.service.append(modelOperation(randomUUID()));
    expect(await ledger.service.eventLog()).toEqual(events);
    expect(await ledger.service.nextIndex(events.logId)).toBe(before + 1n);
  });

  it('answers the same key and content with the first answer, also when asked at once', async () => {
    const operation = () => requestOperation(modelId, ['x', 'y'], 'key-1');
    const answers = await Promise.all([1, 2, 3, 4].map(() => ledger.service.append(operation())));
    const later = await makeTestLedger(database().db).service.append(operation());
    expect(new Set([...answers, later].map((answer) => JSON.stringify(answer))).size).toBe(1);
    const log = await ledger.service.commitmentLog(modelId);
    expect(await ledger.service.nextIndex(log.logId)).toBe(2n);
  });

  it('answers two daemons asked at once under one key with one entity', async () => {
    const daemons = [ledger, makeTestLedger(database().db), makeTestLedger(database().db)];
    const answers = await Promise.all(
      daemons.map((daemon) => daemon.service.append(requestOperation(modelId, ['x'], 'race'))),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(await ledger.service.nextIndex((await ledger.service.commitmentLog(modelId)).logId)).toBe(1n);
  });

  it('refuses the same key with other content', async () => {
    await ledger.service.append(requestOperation(modelId, ['x'], 'key-2'));
    await expect(ledger.service.append(requestOperation(modelId, ['z'], 'key-2'))).rejects.toMatchObject({
      code: 'LEDGER_IDEMPOTENCY_CONFLICT',
    });
  });

  it('lets one refused operation harm no other of its group and leave nothing behind', async () => {
    const before = { entry: await count('entry'), keys: await count('idempotency_key') };
    const bad: AppendOperation<Json> = {
      ...requestOperation(modelId, ['bad'], 'bad-key'),
      write: () => Promise.reject(new RefusedError('REFUSED', 'no')),
    };
    const [good, refused] = await Promise.allSettled([
      ledger.service.append(requestOperation(modelId, ['good'])),
      ledger.service.append(bad),
    ]);
    expect(good).toMatchObject({ status: 'fulfilled', value: { indexes: ['0'] } });
    expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'REFUSED' } });
    expect(await count('entry')).toBe(before.entry + 1);
    expect(await count('idempotency_key')).toBe(before.keys);
  });

  it('does what operations of a group share once, before their writes, and again for each when one is refused', async () => {
    const seen: (readonly string[])[] = [];
    const shared = new SharedWrite<string>((_tx, parts) => {
      seen.push(parts);
      if (!parts.includes('bad')) return Promise.resolve();
      return Promise.reject(new RefusedError('REFUSED', 'no'));
    });
    const append = (part: string) =>
      ledger.service.append({ ...requestOperation(modelId, [part]), shares: shared.with(part) });
    const alone = ledger.service.append(requestOperation(modelId, ['alone']));
    await Promise.all([append('one'), append('two'), alone]);
    expect(seen).toEqual([['one', 'two']]);
    const before = await count('entry');
    const [good, bad] = await Promise.allSettled([append('good'), append('bad')]);
    expect(good.status).toBe('fulfilled');
    expect(bad).toMatchObject({ status: 'rejected', reason: { code: 'REFUSED' } });
    expect(seen.slice(1)).toEqual([['good', 'bad'], ['good'], ['bad']]);
    expect(await count('entry')).toBe(before + 1);
  });

  it('refuses a commitment for a model that is not registered', async () => {
    await expect(ledger.service.append(requestOperation(randomUUID(), ['x']))).rejects.toMatchObject({
      code: 'LEDGER_LOG_UNKNOWN',
    });
  });

  it('holds salted commitments only in its leaves', async () => {
    await ledger.service.append(requestOperation(modelId, ['very-secret-sample']));
    const log = await ledger.service.commitmentLog(modelId);
    const [entry] = await ledger.service.entries(log.logId, 0n, 1);
    expect(Object.keys(JSON.parse(Buffer.from(entry!.leaf).toString()) as object)).toEqual([
      'commitment',
      'type',
      'version',
    ]);
    expect(Buffer.from(entry!.leafHash)).toEqual(Buffer.from(hashLeaf(entry!.leaf)));
  });

  it.each([
    ['one statement', {}],
    ['statements of their own', { statementEntries: 0 }],
  ])('keeps what it is given to the letter when rows are inserted by %s', async (_, limits) => {
    const samples = ['NULL', 'null', '{a,"b"}', 'c\\d\\\\', "e'f", 'g\n\t\r', '\u00fc\u{1f600}', ' h '];
    const own = makeTestLedger(database().db, { limits });
    const key = `{"${modelId}\\`;
    const [first] = await Promise.all([
      own.service.append(requestOperation(modelId, samples, key)),
      own.service.append(requestOperation(modelId, ['i'])),
      own.service.append(modelOperation(randomUUID(), key)),
    ]);
    const { logId } = await ledger.service.commitmentLog(modelId);
    const kept = await database()
      .db.selectFrom('commitment_opening')
      .innerJoin('entry', (join) =>
        join
          .onRef('entry.log_id', '=', 'commitment_opening.log_id')
          .onRef('entry.leaf_index', '=', 'commitment_opening.leaf_index'),
      )
      .select(['sample_id', 'content', 'salt', 'leaf', 'leaf_hash'])
      .where('entry.log_id', '=', logId)
      .orderBy('entry.leaf_index')
      .execute();
    expect(kept.map((row) => row.sample_id)).toEqual([...samples, 'i']);
    for (const { sample_id: sampleId, content, salt, leaf, leaf_hash: leafHash } of kept) {
      expect(JSON.parse(content)).toMatchObject({ sample: sampleId });
      expect(Buffer.from(leaf)).toEqual(Buffer.from(sealLeaf({ type: 'commitment', content, salt })));
      expect(Buffer.from(leafHash)).toEqual(Buffer.from(hashLeaf(leaf)));
    }
    expect(await ledger.service.append(requestOperation(modelId, samples, key))).toEqual(first);
  });

  it('integrates into checkpoints whose proofs hold, batch after batch', async () => {
    const log = await ledger.service.commitmentLog(modelId);
    await ledger.integrator.integrateAll();
    const empty = await ledger.service.checkpoint(log);
    expect(empty).toMatchObject({ treeSize: 0n, signedAt: TEST_TIME });
    const sizes: bigint[] = [];
    for (const batch of [1, 255, 1, 300]) {
      await ledger.service.append(
        requestOperation(
          modelId,
          Array.from({ length: batch }, (_, n) => `s${sizes.length}-${n}`),
        ),
      );
      await ledger.integrator.integrateAll();
      const checkpoint = await ledger.service.checkpoint(log);
      sizes.push(checkpoint!.treeSize);
      expect(openCheckpoint(checkpoint!.note, ledger.verifierFor(log.origin), log.origin).rootHash).toEqual(
        new Uint8Array(checkpoint!.rootHash),
      );
    }
    expect(sizes).toEqual([1n, 256n, 257n, 557n]);
    const entries = await ledger.service.entries(log.logId, 0n, 1000);
    const tree = new MemoryTree(entries.map((entry) => entry.leafHash));
    for (const size of sizes) {
      const { rootHash } = (await ledger.service.checkpoint(log, size))!;
      expect(Buffer.from(rootHash)).toEqual(Buffer.from(tree.root(size)));
      const leafIndex = size - 1n;
      const proof = await ledger.service.proveInclusion(log.logId, leafIndex, size);
      checkInclusion({
        leafHash: entries[Number(leafIndex)]!.leafHash,
        leafIndex,
        treeSize: size,
        proof,
        rootHash,
      });
    }
    const proof = await ledger.service.proveConsistency(log.logId, 1n, 557n);
    checkConsistency({ fromSize: 1n, fromRoot: tree.root(1n), toSize: 557n, toRoot: tree.root(557n), proof });
    expect(ledger.errors).toEqual([]);
  });

  it('reads the leaves it asks for and no more, in a table that PostgreSQL has no statistics of', async () => {
    const samples = Array.from({ length: 20_000 }, (_, n) => `s${n}`);
    await ledger.service.append(requestOperation(modelId, samples));
    const { logId } = await ledger.service.commitmentLog(modelId);
    const counted = async (tx: Tx) => {
      const { rows } = await sql<{ n: bigint }>`select seq_tup_read + idx_tup_fetch as n
        from pg_stat_xact_user_tables where relid = 'entry'::regclass`.execute(tx);
      return rows[0]!.n;
    };
    const rowsRead = (read: (tx: Tx) => Promise<unknown>) =>
      database()
        .db.transaction()
        .execute(async (tx) => {
          const before = await counted(tx);
          await read(tx);
          return (await counted(tx)) - before;
        });
    expect(await rowsRead((tx) => ledger.repository.readLeafHashes(tx, logId, 100n, 200n))).toBe(100n);
    expect(await rowsRead((tx) => ledger.repository.readEntries(tx, logId, 100n, 100))).toBe(100n);
  });

  it('signs nothing that contradicts what it signed before', async () => {
    await ledger.service.append(requestOperation(modelId, ['a', 'b', 'c']));
    await ledger.integrator.integrateAll();
    // A daemon restored to a state file of a longer history than the database has.
    const { admin } = database();
    const log = await ledger.service.commitmentLog(modelId);
    await admin.begin(async (tx) => {
      await tx`set local session_replication_role = replica`;
      await tx`set local lacuna.maintenance = 'on'`;
      await tx`alter table lacuna.checkpoint disable trigger all`;
      await tx`delete from lacuna.checkpoint where log_id = ${log.logId}`;
      await tx`alter table lacuna.entry disable trigger all`;
      await tx`update lacuna.entry set leaf_hash = decode(repeat('00', 32), 'hex') where log_id = ${log.logId} and leaf_index = 1`;
    });
    await ledger.integrator.integrateAll();
    expect(ledger.errors).toMatchObject([{ code: 'LEDGER_FORKED' }]);
    expect(await ledger.service.checkpoint(log)).toBeNull();
    rmSync(ledger.stateFile);
  });

  it('names its logs by the ledger', async () => {
    expect((await ledger.service.eventLog()).origin).toBe(`${TEST_LEDGER}/events`);
    expect((await ledger.service.commitmentLog(modelId)).origin).toBe(
      `${TEST_LEDGER}/${modelId}/commitments`,
    );
  });
});
