/**
 * The audit over a database: every log re-derived from its entries, every fact compared with its event, and whatever
 * further checks the caller brings. All of it sees one snapshot, so that appends go on meanwhile. It believes nothing but
 * the verifier keys it is given, and the checkpoints of earlier audits where the caller kept some.
 */
import type { Database, Tx } from '@app/persistence';
import { ThreadPool } from '@app/threads';
import type { NoteVerifier } from '@app/tlog';
import { sql } from 'kysely';
import { LedgerRepository, type LogRow } from '../ledger.repository.js';
import type { AuditThreads, ThreadStart } from './audit-threads.js';
import { chunkAuditor } from './chunk-audit.js';
import { CHUNK_LEAVES, type ChunkAnswer, type ChunkAuditor, type ChunkOrder } from './chunk.js';
import { auditErasures } from './erasure-audit.js';
import { auditFacts } from './fact-audit.js';
import type { AuditFinding, AuditProgress, LogAccount } from './finding.js';
import { LogAudit } from './log-audit.js';
import { auditOrphans } from './orphan-audit.js';

export interface AuditOptions {
  readonly verifierFor: (origin: string) => NoteVerifier;
  readonly onProgress?: (progress: AuditProgress) => void;
  /** Checks of other libs over the same snapshot: recordings, sample sets, results. */
  readonly furtherChecks?: readonly ((db: Database) => Promise<readonly AuditFinding[]>)[];
  /** By origin, the note of a checkpoint that an earlier audit accepted: only later entries are derived again. */
  readonly kept?: ReadonlyMap<string, string>;
  /** Where chunks are audited; null or absent: in this thread. */
  readonly threads?: AuditThreads | null;
}

export interface AuditReport {
  readonly logs: readonly LogAccount[];
  readonly findings: readonly AuditFinding[];
}

/**
 * @param db within a transaction, the audit sees what that has changed, and is done in this thread
 * @throws TlogError for a kept checkpoint that the log's key did not sign
 */
export function auditLedger(db: Database, options: AuditOptions): Promise<AuditReport> {
  if (db.isTransaction) return new LedgerAudit(db as Tx, { ...options, threads: null }).run();
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute((tx) => new LedgerAudit(tx, options).run());
}

type ChunkPool = ThreadPool<ChunkOrder, ChunkAnswer>;

class LedgerAudit {
  private readonly accounts: LogAccount[] = [];
  private readonly findings: AuditFinding[] = [];
  private readonly repository: LedgerRepository;
  private readonly inThisThread: ChunkAuditor;

  constructor(
    private readonly tx: Tx,
    private readonly options: AuditOptions,
  ) {
    this.repository = new LedgerRepository(tx);
    this.inThisThread = chunkAuditor(tx);
  }

  async run(): Promise<AuditReport> {
    const { tx, repository, options } = this;
    const logs = await repository.logs(tx);
    const pool = await this.startThreads(logs);
    try {
      for (const log of logs) await this.auditLog(log, pool);
    } finally {
      await pool?.close();
    }
    const events = logs.find(({ kind }) => kind === 'events')?.origin ?? 'event';
    this.findings.push(
      ...(await auditOrphans(tx)),
      ...(await auditFacts(tx, events)),
      ...(await auditErasures(tx, events)),
    );
    for (const check of options.furtherChecks ?? []) this.findings.push(...(await check(tx)));
    return { logs: this.accounts, findings: this.findings };
  }

  private async auditLog(log: LogRow, pool: ChunkPool | null): Promise<void> {
    const { tx, repository, options } = this;
    const kept = options.kept?.get(log.origin);
    const audit = new LogAudit(log, {
      on: tx,
      repository,
      verifier: options.verifierFor(log.origin),
      auditChunk: pool ? (order) => pool.run(order) : this.inThisThread,
      // Enough that no thread waits for the chunk that is merged next.
      chunksAtOnce: pool ? 2 * options.threads!.count : 1,
      ...(kept === undefined ? {} : { kept }),
      onProgress: options.onProgress ?? (() => undefined),
    });
    this.accounts.push(await audit.run());
    this.findings.push(...audit.findings);
  }

  /** Only where there is more than a chunk to do: a thread takes as long to start as a chunk to audit. */
  private async startThreads(logs: readonly LogRow[]): Promise<ChunkPool | null> {
    const { threads } = this.options;
    if (!threads) return null;
    const heads = await Promise.all(logs.map((log) => this.repository.nextIndex(log.logId, this.tx)));
    if (heads.every((head) => head <= CHUNK_LEAVES)) return null;
    const { rows } = await sql<{ snapshot: string }>`select pg_export_snapshot() as snapshot`.execute(
      this.tx,
    );
    const { address, count, file } = threads;
    const workerData: ThreadStart = { address, snapshot: rows[0]!.snapshot };
    return new ThreadPool({ file, count, workerData });
  }
}
