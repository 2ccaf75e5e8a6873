/** SQL of checkpoint_cosignature and checkpoint_publication; no other file writes them. */
import type { Database, Queryable } from '@app/persistence';
import { formatNoteSignature, type NoteSignature } from '@app/tlog';
import { sql } from 'kysely';
import type { CheckpointRow } from './ledger.repository.js';

/** Which key of which log: the name and id on its signature lines. */
type NoteKey = Pick<NoteSignature, 'name' | 'keyId'>;

export class PublicationRepository {
  constructor(readonly db: Database) {}

  /** The published checkpoint of exactly `treeSize`, or the latest, its note with all cosignatures. */
  async findPublished(logId: number, treeSize?: bigint): Promise<CheckpointRow | undefined> {
    const exact = treeSize === undefined ? sql`` : sql`and published.tree_size = ${String(treeSize)}::bigint`;
    const { rows } =
      await sql<CheckpointRow>`select signed.tree_size as "treeSize", signed.root_hash as "rootHash",
        signed.note || coalesce((
          select string_agg(cosigned.line, '' order by cosigned.key_name, cosigned.key_id)
          from checkpoint_cosignature cosigned
          where cosigned.log_id = signed.log_id and cosigned.tree_size = signed.tree_size
        ), '') as note, signed.signed_at as "signedAt"
      from checkpoint_publication published join checkpoint signed using (log_id, tree_size)
      where published.log_id = ${logId}::int ${exact}
      order by published.tree_size desc limit 1`.execute(this.db);
    return rows[0];
  }

  /** Logs whose latest signed checkpoint is not published. */
  async logsToPublish(): Promise<number[]> {
    const { rows } = await sql<{ log_id: number }>`select log.log_id from log
      join lateral (
        select tree_size from checkpoint where checkpoint.log_id = log.log_id order by tree_size desc limit 1
      ) signed on true
      where not exists (
        select from checkpoint_publication published
        where published.log_id = log.log_id and published.tree_size = signed.tree_size
      ) order by log.log_id`.execute(this.db);
    return rows.map((row) => row.log_id);
  }

  /** Publishes a signed checkpoint; once is enough. */
  async publish(on: Queryable, logId: number, treeSize: bigint, publishedAt: Date): Promise<void> {
    await on
      .insertInto('checkpoint_publication')
      .values({ log_id: logId, tree_size: treeSize, published_at: publishedAt })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }

  /** Keeps a verified cosignature; a second one by the same key adds nothing. */
  async addCosignature(
    logId: number,
    treeSize: bigint,
    cosignature: NoteSignature,
    receivedAt: Date,
  ): Promise<void> {
    await this.db
      .insertInto('checkpoint_cosignature')
      .values({
        log_id: logId,
        tree_size: treeSize,
        key_name: cosignature.name,
        key_id: BigInt(cosignature.keyId),
        line: formatNoteSignature(cosignature),
        received_at: receivedAt,
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }

  /** The cosignature lines of one checkpoint. */
  async cosignatureLines(logId: number, treeSize: bigint): Promise<string[]> {
    const rows = await this.db
      .selectFrom('checkpoint_cosignature')
      .select('line')
      .where('log_id', '=', logId)
      .where('tree_size', '=', treeSize)
      .execute();
    return rows.map((row) => row.line);
  }

  /** The largest size that a key has cosigned of a log, as far as we were told; 0 for none. */
  async largestCosigned(logId: number, { name, keyId }: NoteKey): Promise<bigint> {
    const row = await this.db
      .selectFrom('checkpoint_cosignature')
      .select('tree_size')
      .where('log_id', '=', logId)
      .where('key_name', '=', name)
      .where('key_id', '=', BigInt(keyId))
      .orderBy('tree_size', 'desc')
      .limit(1)
      .executeTakeFirst();
    return row?.tree_size ?? 0n;
  }
}
