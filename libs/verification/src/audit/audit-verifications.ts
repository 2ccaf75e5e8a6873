/**
 * Do the stored results say what was signed? Three witnesses are held against each other: the result leaves, which
 * recount to the signed root; the rows derived from them; and the attestation itself with its place in the event log.
 * Not covered, because nothing signed says it: the p-values of `request_result`, times of request and conclusion,
 * who computed a block. Proven by test/medium/verification-audit.spec.ts.
 */
import type { KeySet } from '@app/attestation';
import type { AuditFinding } from '@app/ledger';
import type { Database } from '@app/persistence';
import { auditAttestations } from './audit-attestations.js';
import { auditResults } from './audit-results.js';

/** Everything wrong with results and attestations; one verification in memory at a time, block by block. */
export async function auditVerifications(db: Database, keySet: KeySet): Promise<readonly AuditFinding[]> {
  const { findings, statements } = await auditAttestations(db, keySet);
  return [...findings, ...(await auditResults(db, statements))];
}
