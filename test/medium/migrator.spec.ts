import { connect, checkSchema, knownMigrations, migrate, type Migration } from '@app/persistence';
import { installQueue } from '@app/queue';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { releaseSource } from '../../libs/verification/src/live/signal-source.js';
import { emptyDatabase, type TestDatabase } from '../support/test-database.js';

describe('migrate', () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await emptyDatabase();
  });
  afterEach(() => database.close());

  const names = knownMigrations().map((migration) => migration.name);

  it('applies every migration once, also when two start at the same moment', async () => {
    const other = connect(database.address, { as: 'login', name: 'other', poolSize: 1 });
    const applied = await Promise.all([
      migrate(database.admin, undefined, installQueue),
      migrate(other, undefined, installQueue),
    ]);
    await other.end();
    expect(applied.flat().sort()).toEqual(names);
    expect(await migrate(database.admin, undefined, installQueue)).toEqual([]);
    await checkSchema(database.sql);
  });

  it('keeps what is known of releases behind endpoints under their own names, and of files as it was', async () => {
    const { admin } = database;
    await migrate(admin, knownMigrations().slice(0, 13), installQueue);
    const artifacts = { endpoint: 'ab'.repeat(32), files: 'cd'.repeat(32) };
    const releases = ['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002'];
    await admin.unsafe(`set search_path = lacuna;
      set session_replication_role = replica;
      insert into release (release_id, model_id, ordinal, name, artifact_digest, runtime, committed_before, registered_at, event_index)
        values ('${releases[0]}', gen_random_uuid(), 0, 'a', decode('${artifacts.endpoint}', 'hex'), 'open-inference', 0, now(), 0),
          ('${releases[1]}', gen_random_uuid(), 0, 'b', decode('${artifacts.files}', 'hex'), 'onnx', 0, now(), 1);
      insert into score_block select release_id, release_id, 'commitments', 0, 1, artifact_digest, '\\x00000000', 0, 0, 0, 'w', now()
        from release;
      insert into signal_block select artifact_digest, model_id, 0, 1, '\\x0000000000000000', 0, '{}', 'b', 1, 'w', now() from release;
      reset session_replication_role`);
    await migrate(admin, undefined, installQueue);
    const endpoint = {
      artifactDigest: artifacts.endpoint,
      releaseId: releases[0]!,
      runtime: 'open-inference',
    };
    const known = await admin<{ source: string }[]>`
      select encode(source_digest, 'hex') as source from lacuna.signal_block order by computed_at, 1`;
    expect(known.map(({ source }) => source).sort()).toEqual(
      [artifacts.endpoint, artifacts.files, releaseSource(endpoint, 0).sourceDigest].sort(),
    );
    const scores = await admin<{ generation: number }[]>`select generation from lacuna.score_block`;
    expect(scores.map(({ generation }) => generation)).toEqual([0, 0]);
  });

  it('moves what opens commitments into rows of its own and leaves nothing of it behind', async () => {
    const { admin } = database;
    await migrate(admin, knownMigrations().slice(0, 5), installQueue);
    await admin.unsafe(`set search_path = lacuna;
      insert into log (origin, kind, model_id) values ('t/m/commitments', 'commitments', gen_random_uuid());
      insert into log_head select log_id, 3 from log;
      insert into entry select log_id, n, 'leaf', decode(repeat('ab', 32), 'hex') from log, generate_series(0, 2) n;
      insert into deletion_request values
        ('00000000-0000-4000-8000-000000000001', 'secret-subject', 'GDPR', now(), now(), 'p', now(), 3);
      insert into idempotency_key (scope, key, content_digest, response) values ('deletion-request', 'k',
        decode(repeat('cd', 32), 'hex'), '{"value": {"requestId": "00000000-0000-4000-8000-000000000001"}}');
      insert into commitment select log_id, n, '00000000-0000-4000-8000-000000000001', 'secret-sample-' || n, n + 1,
        'secret-content', decode(repeat('ef', 32), 'hex') from log, generate_series(0, 2) n`);
    await migrate(admin, undefined, installQueue);
    expect([...(await admin`select * from lacuna.request_subject`)]).toEqual([
      {
        request_id: '00000000-0000-4000-8000-000000000001',
        subject: 'secret-subject',
        filed_scope: 'deletion-request',
        filed_key: 'k',
      },
    ]);
    const openings =
      await admin`select leaf_index::int, sample_id, content, position from lacuna.commitment join lacuna.commitment_opening using (log_id, leaf_index) order by 1`;
    expect([...openings]).toEqual(
      [0, 1, 2].map((n) => ({
        leaf_index: n,
        sample_id: `secret-sample-${n}`,
        content: 'secret-content',
        position: n + 1,
      })),
    );
    await admin.unsafe('checkpoint');
    for (const [table, found] of [
      ['commitment', false],
      ['deletion_request', false],
      ['commitment_opening', true],
    ] as const) {
      const [file] = await admin.unsafe<{ bytes: Uint8Array }[]>(
        `select pg_read_binary_file(pg_relation_filepath('lacuna.${table}')) as bytes`,
      );
      expect(Buffer.from(file!.bytes).includes('secret-'), table).toBe(found);
    }
  });

  it('refuses a schema that is newer than the code', async () => {
    await migrate(database.admin);
    const older = knownMigrations().slice(0, -1);
    await expect(migrate(database.admin, older)).rejects.toMatchObject({ code: 'PERSISTENCE_SCHEMA_NEWER' });
    await expect(checkSchema(database.admin, older)).rejects.toMatchObject({
      code: 'PERSISTENCE_SCHEMA_NEWER',
    });
  });

  it('refuses to work on an older schema', async () => {
    await migrate(database.admin, knownMigrations().slice(0, 1));
    await expect(checkSchema(database.admin)).rejects.toMatchObject({ code: 'PERSISTENCE_SCHEMA_OLDER' });
  });

  it('refuses a migration whose text was changed afterwards', async () => {
    await migrate(database.admin);
    const edited = knownMigrations().map((migration) => ({ ...migration, sha256: 'f'.repeat(64) }));
    await expect(migrate(database.admin, edited)).rejects.toMatchObject({
      code: 'PERSISTENCE_MIGRATION_CHANGED',
    });
  });

  it('rolls a failing migration back as a whole', async () => {
    const version = names.length + 1;
    const broken: Migration = {
      version,
      name: 'broken.sql',
      text: 'create table lacuna.half (); select 1/0',
      sha256: 'x',
    };
    await expect(migrate(database.admin, [...knownMigrations(), broken])).rejects.toMatchObject({
      code: 'PERSISTENCE_MIGRATION_FAILED',
    });
    const [row] = await database.admin<{ half: string | null }[]>`select to_regclass('lacuna.half') as half`;
    expect(row?.half).toBeNull();
    await checkSchema(database.admin);
  });
});
