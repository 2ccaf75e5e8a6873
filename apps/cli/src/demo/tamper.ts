/** What happens to forgeries: a copy of an attestation, a copy of a bundle, and a ledger row are changed and caught. */
import { auditInstallation } from '@app/audit';
import { AttestationError, type KeySet } from '@app/attestation';
import { loadConfig } from '@app/config';
import { attachDatabase, connect, type Database, openKysely } from '@app/persistence';
import { sql } from 'kysely';
import { readFile, writeFile } from 'node:fs/promises';
import { verifyFile } from '../verify-file.js';

export interface TamperTrial {
  readonly what: string;
  readonly caught: boolean;
  readonly where: string;
}

export interface TamperTargets {
  readonly attestation: string;
  readonly bundle: string;
  readonly keySet: KeySet;
  /** Environment of the running daemon, for the ledger row. */
  readonly environment: NodeJS.ProcessEnv;
}

export async function tamperTrials(targets: TamperTargets): Promise<TamperTrial[]> {
  return [await forgeAttestation(targets), await forgeBundle(targets), await forgeLedgerRow(targets)];
}

async function forgeAttestation({ attestation, keySet }: TamperTargets): Promise<TamperTrial> {
  const [header, payload, signature] = (await readFile(attestation, 'utf8')).trim().split('.');
  const statement = Buffer.from(payload!, 'base64url').toString('utf8');
  const forged = statement.replace(
    /"result":"(\w+)"/,
    (_all, result) => `"result":"${result === 'PASSED' ? 'FAILED' : 'PASSED'}"`,
  );
  const copy = attestation.replace('.attestation.jws', '.forged.jws');
  await writeFile(copy, [header, Buffer.from(forged).toString('base64url'), signature].join('.'));
  return { what: 'attestation: result turned round in a copy', ...(await refusalOf(copy, keySet)) };
}

async function forgeBundle({ bundle, keySet }: TamperTargets): Promise<TamperTrial> {
  const text = await readFile(bundle, 'utf8');
  const forged = text.replace(/\\"verdict\\":\\"(\w+)\\"/, (_all, verdict) => {
    return `\\"verdict\\":\\"${verdict === 'RESIDUAL' ? 'NO_RESIDUAL_EVIDENCE' : 'RESIDUAL'}\\"`;
  });
  const copy = bundle.replace('.bundle.json', '.forged-bundle.json');
  await writeFile(copy, forged);
  return {
    what: 'proof bundle: verdict of the first commitment changed in a copy',
    ...(await refusalOf(copy, keySet)),
  };
}

async function refusalOf(path: string, keySet: KeySet): Promise<Omit<TamperTrial, 'what'>> {
  try {
    await verifyFile(path, { keySet, now: new Date() });
    return { caught: false, where: '' };
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    const { where } = error.details;
    return { caught: true, where: `${error.code}${where === undefined ? '' : ` at ${String(where)}`}` };
  }
}

/** Thrown to roll the change back; nothing is wrong when it arrives. */
class RolledBack extends Error {}

/**
 * As a superuser could: triggers off, one row of a commitment rewritten, audit. All in one transaction that is
 * rolled back, so the ledger of the demo stays as it was.
 */
async function forgeLedgerRow({ keySet, environment }: TamperTargets): Promise<TamperTrial> {
  const config = loadConfig(environment);
  const database = await attachDatabase(config, () => undefined, 10_000);
  const pool = connect(database.address, { as: 'login', name: 'lacuna-demo-tamper', poolSize: 1 });
  let found = '';
  try {
    await openKysely(pool)
      .transaction()
      .execute(async (tx: Database) => {
        await sql`set local lacuna.maintenance = 'on'`.execute(tx);
        await sql`alter table commitment_opening disable trigger user`.execute(tx);
        await sql`update commitment_opening set sample_id = 'somebody-else' where leaf_index = 7`.execute(tx);
        const { findings } = await auditInstallation(tx, keySet);
        found = findings.map(({ log, index, field }) => `${field} at index ${index} of ${log}`).join('; ');
        throw new RolledBack();
      });
  } catch (error) {
    if (!(error instanceof RolledBack)) throw error;
  } finally {
    await pool.end();
  }
  return { what: 'ledger: one commitment row rewritten by a superuser', caught: found !== '', where: found };
}
