/** SQL of the tables `vault_segment`, `vault_content` and `vault_item`. */
import { Inject, Injectable } from '@nestjs/common';
import { copyOut, type Database, DATABASE, type Queryable, type Tx } from '@app/persistence';
import { sql } from 'kysely';
import { PAGE_BYTES, PAGE_KEYS, type SealedSegment } from './segment.js';

/** Where one of the samples that were asked for lies. */
export interface Place {
  /** Index into the question. */
  readonly position: number;
  readonly slot: number;
  readonly start: number;
  readonly length: number;
}

export interface SegmentPlaces {
  readonly segmentId: string;
  readonly places: readonly Place[];
}

export interface SegmentKey {
  readonly segmentId: string;
  readonly modelId: string;
  readonly keyId: string;
  readonly wrappedKey: Uint8Array;
}

export interface SegmentContent extends SegmentKey {
  readonly dataKeys: Uint8Array;
  readonly ciphertexts: Uint8Array;
}

/** One sample read on its own: the page of its data key and its ciphertext. */
export interface ItemContent extends SegmentKey {
  readonly position: number;
  readonly slot: number;
  readonly page: Uint8Array;
  readonly ciphertext: Uint8Array;
}

export interface SealedUnderKey {
  readonly keyId: string;
  readonly segments: number;
  readonly samples: number;
  readonly bytes: bigint;
}

const PLACE_BYTES = 16;

@Injectable()
export class VaultRepository {
  constructor(@Inject(DATABASE) readonly db: Database) {}

  /** Runs `work` in one transaction, which is rolled back when it throws. */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.db.transaction().execute(work);
  }

  async insert(tx: Tx, sealed: SealedSegment, fact: { storedAt: Date; eventIndex: bigint }): Promise<void> {
    const { segmentId, modelId, items } = sealed;
    await tx
      .insertInto('vault_segment')
      .values({
        segment_id: segmentId,
        model_id: modelId,
        sample_count: items.length,
        digest: sealed.digest,
        stored_at: fact.storedAt,
        event_index: fact.eventIndex,
      })
      .execute();
    await tx
      .insertInto('vault_content')
      .values({
        segment_id: segmentId,
        key_id: sealed.keyId,
        wrapped_key: sealed.wrappedKey,
        data_keys: sealed.dataKeys,
        ciphertexts: sealed.ciphertexts,
        item_digests: sealed.itemDigests,
      })
      .execute();
    await sql`insert into vault_item (model_id, sample_id, segment_id, slot, start, length)
      select ${modelId}::uuid, sample_id, ${segmentId}::uuid, slot, start, length
      from unnest(${items.map((item) => item.sampleId)}::text[], ${items.map((item) => item.slot)}::smallint[],
        ${items.map((item) => item.start)}::integer[], ${items.map((item) => item.length)}::integer[])
        as item (sample_id, slot, start, length)`.execute(tx);
  }

  /** Where the samples lie, segment by segment; absent ones are left out. */
  async places(
    modelId: string,
    sampleIds: readonly string[],
    on: Queryable = this.db,
  ): Promise<SegmentPlaces[]> {
    // Packed, because thousands of small rows cost more to carry than to find.
    const { rows } = await sql<{ segmentId: string; packed: Uint8Array }>`
      select item.segment_id as "segmentId", string_agg(
        int4send((wanted.place - 1)::integer) || int4send(item.slot) || int4send(item.start) || int4send(item.length),
        ''::bytea order by item.slot) as packed
      from unnest(${[...sampleIds]}::text[]) with ordinality wanted (sample_id, place)
      -- The limit keeps the planner from reading the whole table when its statistics are old.
      cross join lateral (
        select segment_id, slot, start, length from vault_item found
        where found.model_id = ${modelId} and found.sample_id = wanted.sample_id limit 1
      ) item
      group by item.segment_id`.execute(on);
    return rows.map(({ segmentId, packed }) => ({ segmentId, places: unpack(packed) }));
  }

  /**
   * Copied out, because as columns of a row megabytes come in hexadecimal and are decoded here.
   * @param segmentId as {@link places} found it: it becomes part of the statement
   */
  async segment(segmentId: string, on: Queryable = this.db): Promise<SegmentContent | undefined> {
    const [row] = await copyOut(
      on,
      `select model_id::text, key_id, wrapped_key, data_keys, ciphertexts
       from vault_content join vault_segment using (segment_id) where segment_id = '${segmentId}'`,
    );
    if (!row) return undefined;
    const [modelId, keyId, wrappedKey, dataKeys, ciphertexts] = row.map((column) => column!);
    return {
      segmentId,
      modelId: modelId!.toString(),
      keyId: keyId!.toString(),
      wrappedKey: wrappedKey!,
      dataKeys: dataKeys!,
      ciphertexts: ciphertexts!,
    };
  }

  /** As {@link segment}, held by this transaction until its end. */
  async lockedSegment(tx: Tx, segmentId: string): Promise<SegmentContent | undefined> {
    await sql`select from vault_content where segment_id = ${segmentId} for update`.execute(tx);
    return this.segment(segmentId, tx);
  }

  /** Single samples out of segments of which few are wanted. */
  async items(wanted: readonly { segmentId: string; place: Place }[]): Promise<readonly ItemContent[]> {
    const { rows } = await sql<ItemContent>`
      select segment_id as "segmentId", model_id as "modelId", key_id as "keyId", wrapped_key as "wrappedKey",
        wanted.position, wanted.slot,
        substring(data_keys from wanted.slot / ${sql.lit(PAGE_KEYS)} * ${sql.lit(PAGE_BYTES)} + 1
          for ${sql.lit(PAGE_BYTES)}) as page,
        substring(ciphertexts from wanted.start + 1 for wanted.length) as ciphertext
      from unnest(${wanted.map(({ segmentId }) => segmentId)}::uuid[],
        ${wanted.map(({ place }) => place.position)}::integer[], ${wanted.map(({ place }) => place.slot)}::integer[],
        ${wanted.map(({ place }) => place.start)}::integer[], ${wanted.map(({ place }) => place.length)}::integer[])
        as wanted (segment_id, position, slot, start, length)
      join vault_content using (segment_id) join vault_segment using (segment_id)
      order by segment_id, wanted.slot`.execute(this.db);
    return rows;
  }

  async replaceContent(
    tx: Tx,
    segmentId: string,
    content: { dataKeys: Uint8Array; ciphertexts: Uint8Array; erased: number },
  ): Promise<void> {
    await sql`update vault_content set data_keys = ${content.dataKeys}, ciphertexts = ${content.ciphertexts},
      erased_count = erased_count + ${content.erased} where segment_id = ${segmentId}`.execute(tx);
  }

  /** Takes samples of one segment out of the index; returns where they lay. */
  async removeItems(
    tx: Tx,
    modelId: string,
    segmentId: string,
    sampleIds: readonly string[],
  ): Promise<readonly Omit<Place, 'position'>[]> {
    const { rows } = await sql<Omit<Place, 'position'>>`delete from vault_item
      where model_id = ${modelId} and segment_id = ${segmentId} and sample_id = any (${[...sampleIds]}::text[])
      returning slot, start, length`.execute(tx);
    return rows;
  }

  /** Keys of segments that another key than `keyId` wraps, held by this transaction until its end. */
  async keysNotUnder(tx: Tx, keyId: string, limit: number): Promise<readonly SegmentKey[]> {
    const { rows } = await sql<SegmentKey>`
      select segment_id as "segmentId", model_id as "modelId", key_id as "keyId", wrapped_key as "wrappedKey"
      from vault_content join vault_segment using (segment_id)
      where key_id <> ${keyId} order by segment_id limit ${limit} for update of vault_content`.execute(tx);
    return rows;
  }

  async rewrap(tx: Tx, key: Omit<SegmentKey, 'modelId'>): Promise<void> {
    await sql`update vault_content set key_id = ${key.keyId}, wrapped_key = ${key.wrappedKey}
      where segment_id = ${key.segmentId}`.execute(tx);
  }

  /** What each key-encryption key keeps. */
  async underKeys(): Promise<readonly SealedUnderKey[]> {
    const { rows } = await sql<SealedUnderKey>`
      select key_id as "keyId", count(*)::integer as segments,
        sum(sample_count - erased_count)::integer as samples, sum(octet_length(ciphertexts)::bigint)::bigint as bytes
      from vault_content join vault_segment using (segment_id) group by key_id order by key_id`.execute(
      this.db,
    );
    return rows;
  }
}

function unpack(packed: Uint8Array): Place[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  return Array.from({ length: packed.length / PLACE_BYTES }, (_, at) => ({
    position: view.getInt32(at * PLACE_BYTES),
    slot: view.getInt32(at * PLACE_BYTES + 4),
    start: view.getInt32(at * PLACE_BYTES + 8),
    length: view.getInt32(at * PLACE_BYTES + 12),
  }));
}
