/** SQL of the tables `artifact`, `artifact_file` and `artifact_chunk`. */
import { Inject, Injectable } from '@nestjs/common';
import { type Database, DATABASE, type Tx } from '@app/persistence';
import { sql } from 'kysely';
import type { ArtifactFile } from './manifest.js';

export interface ArtifactRow {
  /** Lowercase hex. */
  readonly artifactDigest: string;
  readonly manifest: string;
  readonly storedBy: string;
  readonly storedAt: Date;
}

@Injectable()
export class ArtifactRepository {
  constructor(@Inject(DATABASE) private readonly db: Database) {}

  /** Runs `work` in one transaction, which is rolled back when it throws. */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.db.transaction().execute(work);
  }

  /** False where the artifact is there already. */
  async insert(
    tx: Tx,
    artifact: Omit<ArtifactRow, 'storedAt'>,
    files: readonly ArtifactFile[],
  ): Promise<boolean> {
    const digest = Buffer.from(artifact.artifactDigest, 'hex');
    const { rows } = await sql`insert into artifact (artifact_digest, manifest, stored_by, stored_at)
      values (${digest}, ${artifact.manifest}, ${artifact.storedBy}, date_trunc('milliseconds', clock_timestamp()))
      on conflict (artifact_digest) do nothing returning 1`.execute(tx);
    if (rows.length === 0) return false;
    await sql`insert into artifact_file (artifact_digest, path, sha256, size_bytes)
      select ${digest}, path, decode(sha256, 'hex'), size_bytes
      from unnest(${files.map(({ path }) => path)}::text[], ${files.map(({ sha256 }) => sha256)}::text[],
        ${files.map(({ sizeBytes }) => sizeBytes)}::bigint[]) as file (path, sha256, size_bytes)`.execute(tx);
    return true;
  }

  /** Content is stored once, whichever artifacts hold it. */
  async insertChunk(tx: Tx, sha256: string, part: number, bytes: Uint8Array): Promise<void> {
    await sql`insert into artifact_chunk (sha256, part, bytes)
      values (${Buffer.from(sha256, 'hex')}, ${part}, ${bytes}) on conflict (sha256, part) do nothing`.execute(
      tx,
    );
  }

  /** Whether content with this digest is there; it comes whole, with one transaction. */
  async hasContent(tx: Tx, sha256: string): Promise<boolean> {
    const { rows } =
      await sql`select from artifact_chunk where sha256 = ${Buffer.from(sha256, 'hex')} and part = 0`.execute(
        tx,
      );
    return rows.length > 0;
  }

  async find(artifactDigests: readonly string[]): Promise<ArtifactRow[]> {
    if (artifactDigests.length === 0) return [];
    const digests = artifactDigests.map((digest) => Buffer.from(digest, 'hex'));
    const rows = await this.db
      .selectFrom('artifact')
      .selectAll()
      .where('artifact_digest', 'in', digests)
      .execute();
    return rows.map((row) => ({
      artifactDigest: Buffer.from(row.artifact_digest).toString('hex'),
      manifest: row.manifest,
      storedBy: row.stored_by,
      storedAt: row.stored_at,
    }));
  }

  /** All artifacts in order of digest. */
  async *all(): AsyncGenerator<string> {
    for (let after: Uint8Array = new Uint8Array(); ;) {
      const { rows } = await sql<{ artifact_digest: Buffer }>`select artifact_digest from artifact
        where artifact_digest > ${after} order by artifact_digest limit 500`.execute(this.db);
      for (const row of rows) yield row.artifact_digest.toString('hex');
      const last = rows.at(-1);
      if (!last) return;
      after = last.artifact_digest;
    }
  }

  /** The files as the table has them, in order of their paths. */
  async files(artifactDigest: string): Promise<ArtifactFile[]> {
    const { rows } = await sql<{ path: string; sizeBytes: bigint; sha256: Buffer }>`
      select path, size_bytes as "sizeBytes", sha256 from artifact_file
      where artifact_digest = ${Buffer.from(artifactDigest, 'hex')} order by path collate "C"`.execute(
      this.db,
    );
    return rows.map(({ path, sizeBytes, sha256 }) => ({
      path,
      sizeBytes: Number(sizeBytes),
      sha256: sha256.toString('hex'),
    }));
  }

  /** The bytes of a content, part by part. */
  async *content(sha256: string): AsyncGenerator<Uint8Array> {
    const digest = Buffer.from(sha256, 'hex');
    for (let part = 0; ; part += 1) {
      const { rows } = await sql<{ bytes: Uint8Array }>`select bytes from artifact_chunk
        where sha256 = ${digest} and part = ${part}`.execute(this.db);
      if (!rows[0]) return;
      yield rows[0].bytes;
    }
  }

  /** Digests of all contents. */
  async contents(): Promise<string[]> {
    const { rows } = await sql<{ sha256: Buffer }>`select distinct sha256 from artifact_chunk`.execute(
      this.db,
    );
    return rows.map((row) => row.sha256.toString('hex'));
  }
}
