/** The audit as an installation runs it: the ledger's own, and the checks of every lib that keeps records beside it. */
import type { KeySet } from '@app/attestation';
import { auditArtifacts, auditRecordings } from '@app/inference';
import { auditLedger, type AuditOptions, type AuditReport } from '@app/ledger';
import type { Database } from '@app/persistence';
import { auditSampleSets } from '@app/registry';
import { createEd25519Verifier, type NoteVerifier, parseVerifierKey } from '@app/tlog';
import { auditVault } from '@app/vault';
import { auditVerifications } from '@app/verification';
import { AuditError } from './errors.js';

export type InstallationAudit = Pick<AuditOptions, 'onProgress' | 'kept' | 'threads'>;

/**
 * @throws AuditError `AUDIT_KEY_MISSING` when the key set has no log key; TlogError for a kept checkpoint that it did not
 *   sign
 */
export function auditInstallation(
  db: Database,
  keySet: KeySet,
  options: InstallationAudit = {},
): Promise<AuditReport> {
  return auditLedger(db, {
    ...options,
    verifierFor: logVerifiers(keySet),
    furtherChecks: [
      auditRecordings,
      auditArtifacts,
      auditSampleSets,
      auditVault,
      (of) => auditVerifications(of, keySet),
    ],
  });
}

/** Verifier of the log key under each origin; checkpoint keys are named by the origin of their log. */
function logVerifiers(keySet: KeySet): (origin: string) => NoteVerifier {
  const vkey = keySet.keys
    .filter((key) => key['lacuna:status'] === 'active')
    .map((key) => ('lacuna:vkey' in key ? key['lacuna:vkey'] : undefined))
    .find((text) => text !== undefined);
  if (!vkey) throw new AuditError('AUDIT_KEY_MISSING', 'the key set has no active log key (lacuna:vkey)');
  const { publicKey } = parseVerifierKey(vkey);
  return (origin) => createEd25519Verifier(origin, publicKey);
}
