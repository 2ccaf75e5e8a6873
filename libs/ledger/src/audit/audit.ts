/**
 * The full audit over a database: every log re-derived from its entries, every fact compared with its event, and
 * whatever further checks the caller brings. It believes nothing but the verifier keys it is given.
 */
import type { Database } from '@app/persistence';
import type { NoteVerifier } from '@app/tlog';
import { LedgerRepository } from '../ledger.repository.js';
import { auditErasures } from './erasure-audit.js';
import { auditFacts } from './fact-audit.js';
import type { AuditFinding, AuditProgress, LogAccount } from './finding.js';
import { LogAudit } from './log-audit.js';
import { auditOrphans } from './orphan-audit.js';

export interface AuditOptions {
  readonly verifierFor: (origin: string) => NoteVerifier;
  readonly onProgress?: (progress: AuditProgress) => void;
  /** Checks of other libs over the same database: recordings, sample sets, results. */
  readonly furtherChecks?: readonly ((db: Database) => Promise<readonly AuditFinding[]>)[];
}

export interface AuditReport {
  readonly logs: readonly LogAccount[];
  readonly findings: readonly AuditFinding[];
}

export async function auditLedger(db: Database, options: AuditOptions): Promise<AuditReport> {
  const repository = new LedgerRepository(db);
  const accounts: LogAccount[] = [];
  const findings: AuditFinding[] = [];
  let eventOrigin = 'event';
  for (const log of await repository.logs()) {
    if (log.kind === 'events') eventOrigin = log.origin;
    const onProgress = options.onProgress ?? (() => undefined);
    const audit = new LogAudit(log, {
      db,
      repository,
      verifier: options.verifierFor(log.origin),
      onProgress,
    });
    accounts.push(await audit.run());
    findings.push(...audit.findings);
  }
  findings.push(
    ...(await auditOrphans(db)),
    ...(await auditFacts(db, eventOrigin)),
    ...(await auditErasures(db, eventOrigin)),
  );
  for (const check of options.furtherChecks ?? []) findings.push(...(await check(db)));
  return { logs: accounts, findings };
}
