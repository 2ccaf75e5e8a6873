/** SQL of the tables `vault_segment`, `vault_content` and `vault_item`. */
import { Inject, Injectable } from '@nestjs/common';
import {
  CopiedRows,
  copyOut,
  copyRows,
  type Database,
  DATABASE,
  type Queryable,
  type Tx,
} from '@app/persistence';
import { sql } from 'kysely';
import { PAGE_BYTES, PAGE_KEYS, pageOf, type SealedSegment } from './segment.js';
import type { Slice, StoredPlace } from './slices.js';

/** Where one of the samples that were asked for lies. */
export interface Place extends StoredPlace {
  /** Index into the question. */
  readonly position: number;
}

export interface SegmentPlaces {
  readonly segmentId: string;
  readonly places: readonly Place[];
}

interface ListedItem {
  readonly segmentId: string;
  readonly place: StoredPlace;
}

interface SegmentLists {
  readonly segmentIds: readonly string[];
  /** By sample id. */
  readonly items: ReadonlyMap<string, ListedItem>;
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

/** What {@link VaultRepository.slices} reads, valid while it is looked at. */
export interface SlicedContent extends SegmentKey {
  /** Number of the first page in `dataKeys`. */
  readonly firstPage: number;
  readonly dataKeys: Uint8Array;
  /** Bytes of the slice at a place in the question. */
  readonly slice: (place: number) => Uint8Array;
}

const PLACE_BYTES = 16;
/** A place in the list of a whole segment: where it is asked for is not known there. */
const LISTED_BYTES = 12;
/** No sample id holds a control character. */
const BETWEEN = '\n';
/**
 * Of a long question one in so many samples is looked up to learn where the others lie. Fewer find the segment of a short
 * run late, more cost look-ups; questions with fewer than two probes are looked up one by one.
 */
const PROBE_STEP = 256;
/** Memory for reading that is kept: enough for the parts that samples of ordinary size are read in. */
const SPARE_BYTES = 16 * 1024 * 1024;

@Injectable()
export class VaultRepository {
  private readonly spare: CopiedRows[] = [];

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

  /** Where the samples lie, segment by segment in order of slots; absent ones are left out. */
  async places(
    modelId: string,
    sampleIds: readonly string[],
    on: Queryable = this.db,
  ): Promise<SegmentPlaces[]> {
    const listed = await this.lists(modelId, await this.probe(modelId, sampleIds, on), on);
    const found = new Map<string, Place[]>(listed.segmentIds.map((segmentId) => [segmentId, []]));
    const others: number[] = [];
    for (const [position, sampleId] of sampleIds.entries()) {
      const item = listed.items.get(sampleId);
      if (item) found.get(item.segmentId)!.push({ position, ...item.place });
      else others.push(position);
    }
    const rest = await this.lookUp(
      modelId,
      others.map((position) => sampleIds[position]!),
      on,
    );
    for (const { segmentId, places } of rest) {
      const known = found.get(segmentId) ?? [];
      found.set(segmentId, known);
      for (const place of places) known.push({ ...place, position: others[place.position]! });
    }
    return [...found].map(([segmentId, places]) => ({
      segmentId,
      places: places.sort((one, other) => one.slot - other.slot),
    }));
  }

  /** The segments in which several of some samples out of a long question lie, and so probably most of the others. */
  private async probe(modelId: string, sampleIds: readonly string[], on: Queryable): Promise<string[]> {
    const probes = sampleIds.filter((_, position) => position % PROBE_STEP === 0);
    if (probes.length < 2) return [];
    const found = await this.lookUp(modelId, probes, on);
    return found.filter(({ places }) => places.length > 1).map(({ segmentId }) => segmentId);
  }

  /** Everything that lies in some segments, by sample id. */
  private async lists(modelId: string, segmentIds: readonly string[], on: Queryable): Promise<SegmentLists> {
    const items = new Map<string, ListedItem>();
    if (segmentIds.length === 0) return { segmentIds, items };
    const { rows } = await sql<{ segmentId: string; ids: string; packed: Uint8Array }>`
      select segment_id as "segmentId", string_agg(sample_id, ${BETWEEN}) as ids,
        string_agg(int4send(slot) || int4send(start) || int4send(length), ''::bytea) as packed
      from vault_item
      -- Said so that no index knows it: with old statistics the planner would read the model's whole index beside the segments'.
      where segment_id = any (${[...segmentIds]}::uuid[]) and (model_id = ${modelId}) is true
      group by segment_id`.execute(on);
    for (const { segmentId, ids, packed } of rows) {
      const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
      for (const [at, sampleId] of ids.split(BETWEEN).entries()) {
        const place = placeAt(view, at * LISTED_BYTES);
        items.set(sampleId, { segmentId, place });
      }
    }
    return { segmentIds: rows.map(({ segmentId }) => segmentId), items };
  }

  private async lookUp(
    modelId: string,
    sampleIds: readonly string[],
    on: Queryable,
  ): Promise<SegmentPlaces[]> {
    if (sampleIds.length === 0) return [];
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
   * Some slices of one segment, with the pages of their data keys, as they are at one moment. Copied out, because as columns of a row
   * megabytes come in hexadecimal and are decoded here.
   * @param segmentId as {@link places} found it: it becomes part of the statement
   * @param look is given undefined where there is no such segment
   */
  async slices<T>(
    segmentId: string,
    slices: readonly Slice[],
    look: (content: SlicedContent | undefined) => T,
  ): Promise<T> {
    const pages = slices.flatMap(({ places }) => places.map(({ slot }) => pageOf(slot)));
    const firstPage = pages.reduce((least, page) => Math.min(least, page));
    const lastPage = pages.reduce((most, page) => Math.max(most, page));
    const once = (column: string) => `case place when 1 then ${column} end`;
    const starts = slices.map(({ start }) => start + 1);
    const lengths = slices.map(({ start, end }) => end - start);
    // Memory that is used again: so much garbage a block would have the whole heap collected for each.
    const rows = this.spare.pop() ?? new CopiedRows();
    await copyRows(
      this.db,
      `select place::integer, substring(ciphertexts from slice.start for slice.length),
         ${once('model_id::text')}, ${once('key_id')}, ${once('wrapped_key')},
         ${once(`substring(data_keys from ${firstPage * PAGE_BYTES + 1} for ${(lastPage - firstPage + 1) * PAGE_BYTES})`)}
       from vault_content join vault_segment using (segment_id)
       cross join unnest('{${starts.join()}}'::integer[], '{${lengths.join()}}'::integer[])
         with ordinality slice (start, length, place)
       where segment_id = '${segmentId}'`,
      rows,
    );
    const result = look(contentIn(rows, segmentId, firstPage));
    if (rows.bytes.length <= SPARE_BYTES) this.spare.push(rows);
    return result;
  }

  /**
   * Copied out, as {@link slices}.
   * @param segmentId as {@link places} found it: it becomes part of the statement
   */
  private async segment(segmentId: string, on: Queryable): Promise<SegmentContent | undefined> {
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

  /** All of a segment, held by this transaction until its end. */
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
  ): Promise<readonly StoredPlace[]> {
    const { rows } = await sql<StoredPlace>`delete from vault_item
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

function contentIn(rows: CopiedRows, segmentId: string, firstPage: number): SlicedContent | undefined {
  if (rows.count === 0) return undefined;
  const rowOf = new Int32Array(rows.count);
  for (let row = 0; row < rows.count; row += 1) rowOf[rows.bytes.readInt32BE(rows.at(row, 0)) - 1] = row;
  const [modelId, keyId, wrappedKey, dataKeys] = [2, 3, 4, 5].map((column) => rows.value(rowOf[0]!, column)!);
  return {
    segmentId,
    modelId: modelId!.toString(),
    keyId: keyId!.toString(),
    wrappedKey: wrappedKey!,
    firstPage,
    dataKeys: dataKeys!,
    slice: (place) => rows.value(rowOf[place]!, 1)!,
  };
}

function unpack(packed: Uint8Array): Place[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  return Array.from({ length: packed.length / PLACE_BYTES }, (_, at) => ({
    position: view.getInt32(at * PLACE_BYTES),
    ...placeAt(view, at * PLACE_BYTES + 4),
  }));
}

const placeAt = (view: DataView, at: number): StoredPlace => ({
  slot: view.getInt32(at),
  start: view.getInt32(at + 4),
  length: view.getInt32(at + 8),
});
