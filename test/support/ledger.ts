/** A ledger over a test database, with a fixed clock and a throw-away log key. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type GroupLimits,
  Integrator,
  LedgerRepository,
  LedgerService,
  PublicationRepository,
  Sequencer,
  SignerState,
} from '@app/ledger';
import type { Database } from '@app/persistence';
import { createEd25519Signer, createEd25519Verifier } from '@app/tlog';

export const TEST_LEDGER = 'ledger.test';
export const TEST_TIME = new Date('2026-11-01T12:00:00.000Z');

export interface TestLedgerOptions {
  /** Checkpoints are signed but left to a publisher. */
  readonly withheld?: true;
  readonly stateFile?: string;
  readonly clock?: () => Date;
  readonly onCheckpoint?: (origin: string, treeSize: bigint) => void;
  readonly limits?: Partial<GroupLimits>;
  /** Default {@link TEST_LEDGER}. */
  readonly ledgerName?: string;
}

/** One daemon's share of the ledger; call it twice on one database for two daemons. */
export function makeTestLedger(
  db: Database,
  options: TestLedgerOptions = {},
  key = generateKeyPairSync('ed25519'),
) {
  const { ledgerName = TEST_LEDGER } = options;
  const clock = options.clock ?? (() => TEST_TIME);
  const repository = new LedgerRepository(db);
  const publications = new PublicationRepository(db);
  const stateFile = options.stateFile ?? join(mkdtempSync(join(tmpdir(), 'lacuna-signer-')), 'state.json');
  const errors: unknown[] = [];
  const signerFor = (origin: string) => createEd25519Signer(origin, key.privateKey);
  const integrator = new Integrator({
    repository,
    publications: options.withheld ? null : publications,
    clock,
    signerFor,
    state: new SignerState(stateFile),
    intervalMs: 1000,
    onError: (_origin, error) => errors.push(error),
    ...(options.onCheckpoint ? { onCheckpoint: options.onCheckpoint } : {}),
  });
  const originOf = (modelId: string) => `${ledgerName}/${modelId}/commitments`;
  const sequencer = new Sequencer({
    repository,
    clock,
    originOf,
    onAppended: () => undefined,
    ...(options.limits ? { limits: options.limits } : {}),
  });
  const service = new LedgerService(repository, publications, sequencer, ledgerName);
  const verifierFor = (origin: string) => createEd25519Verifier(origin, signerFor(origin).publicKey);
  return {
    repository,
    publications,
    integrator,
    sequencer,
    service,
    signerFor,
    verifierFor,
    errors,
    stateFile,
    key,
  };
}
