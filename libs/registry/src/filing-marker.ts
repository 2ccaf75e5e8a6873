/**
 * The ledger groups operations into one transaction and inserts the commitments of all of them at its end, so a
 * calibration set cannot see the commitments of a request filed earlier in the same group. A filing therefore leaves
 * a mark on the transaction, and a set that finds it refuses: the ledger then runs the operations of the group one
 * at a time, where every commitment can be seen. Proven by test/medium/registry-sample-sets.spec.ts.
 */
import type { Tx } from '@app/persistence';
import { sql } from 'kysely';
import { RegistryError } from './errors.js';

/** A setting of PostgreSQL that ends with the transaction; any name of ours that no extension uses. */
const MARK = 'lacuna.filed_in_this_transaction';

export async function markFiling(tx: Tx): Promise<void> {
  await sql`select set_config(${MARK}, 'yes', true)`.execute(tx);
}

/** @throws RegistryError REGISTRY_CONTENDED, which the ledger turns into a run of its own for each operation */
export async function refuseAmongFilings(tx: Tx): Promise<void> {
  const { rows } = await sql<{ mark: string | null }>`select current_setting(${MARK}, true) as mark`.execute(
    tx,
  );
  if (rows[0]?.mark !== 'yes') return;
  throw new RegistryError('REGISTRY_CONTENDED', 'deletion requests are filed in the same transaction', {
    retryable: true,
  });
}
