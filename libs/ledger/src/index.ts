export {
  type AppendOperation,
  type CommitmentBatch,
  type EventDraft,
  type FactRow,
  type Json,
  type JsonObject,
  type Placed,
  SharedWrite,
} from './append-operation.js';
export { auditLedger, type AuditOptions, type AuditReport } from './audit/audit.js';
export { type AuditThreads, auditThreads } from './audit/audit-threads.js';
export type { AuditFinding, AuditProgress } from './audit/finding.js';
export { CLOCK, type Clock, systemClock } from './clock.js';
export { checkGuards } from './guards/check-guards.js';
export { LEDGER_TABLES } from './guards/ledger-tables.js';
export { LedgerError, type LedgerErrorCode } from './errors.js';
export { Integrator } from './integrator.js';
export { LedgerModule, type SigningOptions } from './ledger.module.js';
export { type LogRow, LedgerRepository } from './ledger.repository.js';
export { LedgerService, type SignedCheckpoint } from './ledger.service.js';
export { PublicationRepository } from './publication.repository.js';
export { type CosignOrder, type PublicationProblem, Publisher, type Witnessing } from './publisher.js';
export { type GroupLimits, Sequencer } from './sequencer.js';
export { SignerState } from './signer-state.js';
