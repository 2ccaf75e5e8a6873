export { connect, type ConnectOptions, type DatabaseAddress, type Sql } from './connect.js';
export { isConnectionLoss } from './connection-loss.js';
export { commitLazily } from './commit-lazily.js';
export { CopiedRows } from './copied-rows.js';
export { copyIn, copyOut, copyRows } from './copy.js';
export { PersistenceError } from './errors.js';
export { checkSchema, knownMigrations, migrate, type Migration } from './migrator.js';
export { DATABASE, openKysely, SQL } from './open-kysely.js';
export {
  attachDatabase,
  databaseUnreachable,
  dataDirectory,
  type OpenDatabase,
  ownDatabase,
  reachDatabase,
} from './open-database.js';
export { runPrepared } from './prepared.js';
export { projectRoot } from './project-root.js';
export {
  ERASURE_REASONS,
  type ErasureReason,
  WITHDRAWAL_REASONS,
  type WithdrawalReason,
} from './tables/registry-tables.js';
export type { Database, Queryable, Tables, Tx } from './tables/database.js';
export {
  DRIFT_OUTCOMES,
  type DriftOutcome,
  type VerificationCause,
  type VerificationResult,
  type VerificationStatus,
} from './tables/verification-tables.js';
