/**
 * The leaves of one operation, sealed before their place in the log is known: content says nothing of the index. So a group
 * is sealed while the one before it commits, and under the heads' locks only the indexes are written into rows that are
 * ready. Rows are in PostgreSQL's binary COPY form.
 */
import { canonicalJson, HASH_BYTES, LeafSealer, SALT_BYTES } from '@app/tlog';
import type { AppendOperation, CommitmentBatch, EventDraft, Json } from './append-operation.js';
import { type ContentTemplate, contentTemplate } from './content-template.js';
import { CopyRows } from './copy-rows.js';
import { randomSalts } from './random-salts.js';

export const COMMITMENT_TYPE = 'commitment';

/** Bytes of a row, to begin with: a buffer that need not grow is not copied. */
const FIRST_ROW_BYTES = 256;
const ENTRY_BYTES = 160;
const COMMITMENT_BYTES = 48;
const OPENING_BYTES = 600;

/** Reused: sealing is synchronous. */
const leafHash = new Uint8Array(HASH_BYTES);

export interface SealedEvent {
  readonly draft: EventDraft;
  readonly content: string;
  readonly salt: Uint8Array;
  readonly entry: CopyRows;
}

export interface SealedBatch {
  readonly batch: CommitmentBatch;
  readonly entries: CopyRows;
  readonly commitments: CopyRows;
  readonly openings: CopyRows;
}

export interface SealedOperation {
  readonly events: readonly SealedEvent[];
  readonly batches: readonly SealedBatch[];
}

/** One for each type of leaf; types are ours, so few. */
const sealers = new Map<string, LeafSealer>();

function sealerOf(type: string): LeafSealer {
  const known = sealers.get(type) ?? new LeafSealer(type);
  sealers.set(type, known);
  return known;
}

/** @throws TlogError for content that JSON cannot hold */
export function sealOperation({ events, commitments = [] }: AppendOperation<Json>): SealedOperation {
  return { events: events.map(sealEvent), batches: commitments.map(sealBatch) };
}

function sealEvent(draft: EventDraft): SealedEvent {
  const content = canonicalJson({ ...draft.content, type: draft.type });
  const salt = randomSalts(1);
  const entry = new CopyRows(FIRST_ROW_BYTES);
  const bytes = Buffer.from(content);
  const sealer = sealerOf(draft.type);
  sealer.seal(bytes, 0, bytes.length, salt);
  addEntry(entry, sealer);
  return { draft, content, salt, entry };
}

function sealBatch(batch: CommitmentBatch): SealedBatch {
  const { items, modelId, requestId } = batch;
  const rows = (bytes: number) => new CopyRows(items.length * bytes);
  const sealed = {
    entries: rows(ENTRY_BYTES),
    commitments: rows(COMMITMENT_BYTES),
    openings: rows(OPENING_BYTES),
  };
  const salts = randomSalts(items.length);
  const request = Buffer.from(requestId.replaceAll('-', ''), 'hex');
  const sealer = sealerOf(COMMITMENT_TYPE);
  let template: ContentTemplate | null = null;
  for (const [n, { sampleId, content }] of items.entries()) {
    // Mostly one object for all of a request.
    if (template === null || content !== items[n - 1]?.content)
      template = contentTemplate({ ...content, model: modelId, request: requestId, of: items.length });
    const { beforePosition, beforeSample, afterSample } = template;
    const text = `${beforePosition}${n + 1}${beforeSample}${canonicalJson(sampleId)}${afterSample}`;
    sealed.openings.beginRow(3);
    sealed.openings.addText(sampleId);
    const { from, to } = sealed.openings.addText(text);
    sealer.seal(sealed.openings.at, from, to, salts, n * SALT_BYTES);
    sealed.openings.addBytes(salts, n * SALT_BYTES, (n + 1) * SALT_BYTES);
    addEntry(sealed.entries, sealer);
    sealed.commitments.beginRow(2);
    sealed.commitments.addBytes(request);
    sealed.commitments.addInteger(n + 1);
  }
  return { batch, ...sealed };
}

function addEntry(entries: CopyRows, sealer: LeafSealer): void {
  sealer.hashInto(leafHash, 0);
  entries.beginRow(2);
  entries.addBytes(sealer.leaf);
  entries.addBytes(leafHash);
}
