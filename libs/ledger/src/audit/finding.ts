/** One thing the audit found wrong: where it is, in the words of the schema. */
export interface AuditFinding {
  /** Origin of the log, or the table for what belongs to no log. */
  readonly log: string;
  /** Leaf index, tree size or row id; null for a whole log. */
  readonly index: string | null;
  /** `table.column`, followed by `:key` for a key inside a JSON column. */
  readonly field: string;
  readonly problem: string;
}

/** How far a log's audit has come; reported about once a batch. */
export interface AuditProgress {
  readonly log: string;
  readonly done: bigint;
  readonly of: bigint;
}

export interface LogAccount {
  readonly log: string;
  /** Size of the kept checkpoint that the audit began at; 0 for all of the log. */
  readonly from: bigint;
  /** Entries that were derived again. */
  readonly entries: bigint;
  readonly checkpoints: number;
  readonly tiles: number;
  /** Note of the latest checkpoint that the audit covers: what the next one can begin at. */
  readonly checkpoint: string | null;
}
