import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testDaemon, type TestDaemon } from '../support/test-daemon.js';
import { testDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

describe('a daemon whose database lost what it signed', () => {
  let database: TestDatabase;
  let daemon: TestDaemon;
  beforeAll(async () => {
    database = await testDatabase();
    daemon = await testDaemon(database);
  });
  afterAll(async () => {
    await daemon.close();
    await database.close();
  });

  it('says why in readiness, metric and log, and keeps serving reads', async () => {
    const registered = await daemon.graphql(
      'platform',
      `mutation { registerModel(input: { name: "m", signalKind: LOSS, idempotencyKey: "k" }) { id } }`,
    );
    expect(registered.errors).toBeUndefined();
    const checkpoint = () => daemon.get('nobody', '/logs/events/checkpoint');
    const signedSize = async () =>
      (
        await database.admin`select max(tree_size) as size from lacuna.checkpoint join lacuna.log using (log_id)
        where kind = 'events'`
      )[0]!['size'] as bigint;
    await until(async () => (await signedSize()) === 1n);
    expect((await daemon.get('nobody', '/readyz')).status).toBe(200);
    await database.admin
      .unsafe(`set local lacuna.maintenance = 'on'; alter table lacuna.log_head disable trigger all;
      update lacuna.log_head set next_index = 0 where log_id = (select log_id from lacuna.log where kind = 'events')`);
    await until(async () => (await daemon.get('nobody', '/readyz')).status === 503);
    const { reasons } = (await (await daemon.get('nobody', '/readyz')).json()) as { reasons: string[] };
    expect(reasons).toEqual([
      expect.stringMatching(/^not signing, LEDGER_ROLLED_BACK: log .+\/events has 0 entries/),
    ]);
    expect(await (await daemon.get('nobody', '/metrics')).text()).toContain('lacuna_refused_logs 1');
    const told = daemon.logLines.filter((line) => line.includes('LEDGER_ROLLED_BACK'));
    expect(told).toHaveLength(1);
    expect(
      (await daemon.graphql('auditor', '{ models(first: 1) { edges { node { name } } } }')).errors,
    ).toBeUndefined();
    expect((await checkpoint()).status).not.toBe(503);
  });
});
