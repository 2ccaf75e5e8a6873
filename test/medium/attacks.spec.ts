import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { auditLedger } from '@app/ledger';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Attack, ATTACKS } from '../support/attacks.js';
import { attackTable } from '../support/attack-table.js';
import { makeTestLedger } from '../support/ledger.js';
import { modelOperation, requestOperation } from '../support/operations.js';
import { testDatabase, type TestDatabase } from '../support/test-database.js';

const PRELUDE: Record<Attack['who'], string> = {
  'application role': 'set local role lacuna_app;',
  owner: 'set local role lacuna_owner;',
  superuser: '',
  'superuser as replica': 'set local session_replication_role = replica;',
  operator: '',
};

describe('attacks on the ledger', () => {
  let database: TestDatabase;
  let ledger: ReturnType<typeof makeTestLedger>;
  let logId: number;

  beforeEach(async () => {
    database = await testDatabase();
    // Roles of their own right, as an attacker with only that role's password would have.
    ledger = makeTestLedger(database.db);
    await ledger.service.open();
    const modelId = randomUUID();
    await ledger.service.append(modelOperation(modelId));
    for (const batch of ['a', 'b', 'c']) {
      const samples = Array.from({ length: 100 }, (_, n) => `${batch}-${n}`);
      await ledger.service.append(requestOperation(modelId, samples));
      await ledger.integrator.integrateAll();
    }
    ({ logId } = await ledger.service.commitmentLog(modelId));
  });
  afterEach(() => database.close());

  /** As that role and nothing more: SET SESSION AUTHORIZATION takes the superuser's rights away. */
  async function attack({ who, sql }: Attack): Promise<unknown> {
    const identity = who === 'application role' ? 'lacuna_app' : who === 'owner' ? 'lacuna_owner' : null;
    return database.admin
      .begin(async (tx) => {
        if (identity) await tx.unsafe(`set local session authorization ${identity}`);
        await tx.unsafe(PRELUDE[who] + sql.replaceAll(':log', String(logId)));
        if (identity) await tx.unsafe('reset session authorization');
        return null;
      })
      .catch((error: unknown) => error);
  }

  it.each(ATTACKS.filter(({ outcome }) => outcome === 'prevented'))(
    'prevented: $who $what ($by)',
    async (one) => {
      expect(await attack(one)).toMatchObject({ code: one.by });
      expect((await auditLedger(database.db, ledger)).findings).toEqual([]);
    },
  );

  it.each(ATTACKS.filter(({ outcome }) => outcome === 'detected'))(
    'detected: $who $what ($by)',
    async (one) => {
      expect(await attack(one)).toBeNull();
      const { findings } = await auditLedger(database.db, ledger);
      await ledger.integrator.integrateAll();
      const codes = ledger.errors.map((error) => (error as { code: string }).code);
      expect([...findings.map(({ field }) => field), ...codes]).toContain(one.by);
    },
  );

  it('are listed in the README as they are here', () => {
    const readme = readFileSync(new URL('../../libs/ledger/README.md', import.meta.url), 'utf8');
    expect(readme).toContain(attackTable());
  });
});
