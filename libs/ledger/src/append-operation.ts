/** What a caller hands to the sequencer: the entries it wants and the facts that go with them. */
import type { Tables, Tx } from '@app/persistence';
import type { Insertable } from 'kysely';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

export interface EventDraft {
  /** Leaf type; also written into the content. */
  readonly type: string;
  /** The thing the event is about: model, release, request … */
  readonly subjectId: string;
  /** Every column of the fact row in camelCase, so that the audit can compare row and event field by field. */
  readonly content: JsonObject;
}

/** All commitments of one deletion request in one model's log. */
export interface CommitmentBatch {
  readonly modelId: string;
  readonly requestId: string;
  /** In order; the ledger adds model, request, sample, position (from 1) and of. */
  readonly items: readonly { readonly sampleId: string; readonly content: JsonObject }[];
}

export interface Placed {
  /** In the order of `events`. */
  readonly eventIndexes: readonly bigint[];
  /** In the order of `commitments` and their items. */
  readonly commitmentIndexes: readonly (readonly bigint[])[];
  /** The time all rows of this operation carry. */
  readonly at: Date;
}

export interface Idempotency {
  /** Kind of operation; the same key may be used once in each scope. */
  readonly scope: string;
  /** The caller's key, 1 to 200 characters. */
  readonly key: string;
  /** What the key stands for; its canonical JSON is compared by digest. */
  readonly content: Json;
}

/** Tables of such rows; they travel as JSON, which knows no bytes. */
type FactTable = 'deletion_request' | 'request_subject';

/** A row that follows from what is asked for alone, and that no `write` needs to find. */
export type FactRow = {
  [T in FactTable]: { readonly table: T; readonly values: Insertable<Tables[T]> };
}[FactTable];

/** What operations that are sequenced together do once for all of them, instead of each in its `write`. */
export class SharedWrite<P> {
  /** @param run as `write` of an operation, with the parts of those that take part, in their order */
  constructor(readonly run: (tx: Tx, parts: readonly P[]) => Promise<void>) {}

  /** For an operation that takes part with `part`. */
  with(part: P): SharedPart {
    return { shared: this as SharedWrite<unknown>, part };
  }
}

export interface SharedPart {
  readonly shared: SharedWrite<unknown>;
  readonly part: unknown;
}

export interface AppendOperation<T extends Json> {
  readonly idempotency: Idempotency | null;
  readonly events: readonly EventDraft[];
  readonly commitments?: readonly CommitmentBatch[];
  /** Makes the commitment log of a new model in the same transaction. */
  readonly createLogFor?: string;
  /**
   * Fact rows that are inserted together with the entries and with those of the other operations in the transaction. A
   * table comes after those it refers to.
   */
  facts?(placed: Placed): readonly FactRow[];
  /** Done before every `write` of the transaction, under the same rules. */
  readonly shares?: SharedPart;
  /**
   * Inserts the other fact rows, inside the transaction and before the entries and `facts` of it, and returns the response
   * that is kept under the idempotency key. Inserts only, nothing slow, no effect outside the transaction: a group that fails is
   * run again one operation at a time. Throwing refuses the operation and leaves nothing behind.
   */
  write(tx: Tx, placed: Placed): Promise<T>;
}
