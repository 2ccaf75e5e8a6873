/**
 * Do the stored results say what was signed? Three witnesses are held against each other: the result leaves, which
 * recount to the signed root; the rows derived from them; and the attestation itself with its place in the event log. What a
 * release spent of its model's error budget is held against the statements that repeat it, and against the rule. Scores of
 * sample sets, which nothing signed repeats, are computed again.
 * Not covered, because nothing signed says it: the p-values of `request_result`, times of request and conclusion,
 * who computed a block. Proven by test/medium/verification-audit.spec.ts.
 */
import type { KeySet } from '@app/attestation';
import type { AuditFinding } from '@app/ledger';
import type { Database } from '@app/persistence';
import { auditAttestations } from './audit-attestations.js';
import { auditErrorBudget } from './audit-error-budget.js';
import { auditResults } from './audit-results.js';
import { auditSetScores } from './audit-set-scores.js';
import { auditSignalBlocks } from './audit-signal-blocks.js';

/** Everything wrong with results and attestations; one verification in memory at a time, block by block. */
export async function auditVerifications(db: Database, keySet: KeySet): Promise<readonly AuditFinding[]> {
  const { findings, statements } = await auditAttestations(db, keySet);
  return [
    ...findings,
    ...(await auditResults(db, statements)),
    ...(await auditErrorBudget(db, statements)),
    ...(await auditSetScores(db)),
    ...(await auditSignalBlocks(db)),
  ];
}
