/**
 * Gives entries their final places. Appends that arrive while a transaction is under way are grouped into the next
 * one, so many callers share one durable commit. Each is acknowledged after that commit, never before.
 *
 * Order inside the transaction: lock the heads of all logs concerned, in one order for everybody (no deadlocks, dense
 * indexes, several daemons at once); look up idempotency keys; let each operation write what it must; move the heads and
 * insert the group's rows, in one statement where they are few. A crash at any point leaves all of the group or none.
 * A group that fails as a whole is run again one operation at a time, so that one bad operation harms no other.
 * Proven by test/medium/ledger.spec.ts.
 */
import { createHash } from 'node:crypto';
import { invariant } from '@app/errors';
import type { Tx } from '@app/persistence';
import { canonicalJson } from '@app/tlog';
import type { AppendOperation, Json, Placed, SharedWrite } from './append-operation.js';
import type { Clock } from './clock.js';
import type { CopyRows } from './copy-rows.js';
import { LedgerError } from './errors.js';
import type { Answer, EventRow, GroupRows, StoredResponse } from './group-rows.js';
import { type LedgerRepository, responseKey } from './ledger.repository.js';
import { type SealedOperation, sealOperation } from './sealed-leaves.js';

export interface GroupLimits {
  /** Entries in one transaction, that of a single operation aside. */
  readonly entries: number;
  /** Entries up to which a group's rows are inserted in one statement, past it by COPY. */
  readonly statementEntries: number;
}

const LIMITS: GroupLimits = {
  /** More holds the heads' locks for long, fewer wastes commits. */
  entries: 16_384,
  /** One statement saves a dozen round trips and costs a little more for each row: about even at this size. */
  statementEntries: 1024,
};
/** Entries that may wait; past it callers are told to come back, instead of memory growing without bound. */
const MAX_WAITING_ENTRIES = 262_144;
/** Two daemons given the same new key at once: the loser finds the winner's answer on its next attempt. */
const MAX_ATTEMPTS = 5;

interface Waiting {
  readonly operation: AppendOperation<Json>;
  readonly digest: Uint8Array | null;
  readonly entries: number;
  /** Null until it is needed or there is time: what waits long in line would only fill memory. */
  sealed: SealedOperation | null;
  resolve(response: Json): void;
  reject(error: unknown): void;
}

type Outcome = { readonly response: Json } | { readonly error: unknown };

export interface SequencerOptions {
  readonly repository: LedgerRepository;
  readonly clock: Clock;
  /** Origin of a new model's commitment log. */
  readonly originOf: (modelId: string) => string;
  /** Called after each durable commit. */
  readonly onAppended: () => void;
  readonly limits?: Partial<GroupLimits>;
}

export class Sequencer {
  private waiting: Waiting[] = [];
  private waitingEntries = 0;
  private running: Promise<void> | null = null;
  private stopping = false;
  private readonly limits: GroupLimits;

  constructor(private readonly options: SequencerOptions) {
    this.limits = { ...LIMITS, ...options.limits };
  }

  /**
   * Resolves with the operation's response once it is durable.
   * @throws LedgerError `LEDGER_IDEMPOTENCY_CONFLICT`, `LEDGER_OVERLOADED` (retryable), `LEDGER_STOPPING` (retryable),
   *   and whatever the operation's `write` refuses with
   */
  append<T extends Json>(operation: AppendOperation<T>): Promise<T> {
    const entries =
      operation.events.length +
      (operation.commitments ?? []).reduce((sum, batch) => sum + batch.items.length, 0);
    if (this.stopping) return refuse('LEDGER_STOPPING', 'the ledger is stopping; try again in a moment');
    if (this.waitingEntries + entries > MAX_WAITING_ENTRIES && this.waitingEntries > 0) {
      return refuse('LEDGER_OVERLOADED', 'too many entries wait to be written; try again in a moment');
    }
    return new Promise<T>((resolve, reject) => {
      const digest = operation.idempotency ? digestOf(operation.idempotency.content) : null;
      // While the group before it is in PostgreSQL's hands; throwing refuses the append.
      const sealed = this.waitingEntries < this.limits.entries ? sealOperation(operation) : null;
      const answer = { resolve: resolve as (response: Json) => void, reject };
      this.waiting.push({ operation, digest, entries, sealed, ...answer });
      this.waitingEntries += entries;
      this.running ??= this.drain();
    });
  }

  /** Refuses new appends and waits for those in hand. */
  async stop(): Promise<void> {
    this.stopping = true;
    await this.running;
  }

  private async drain(): Promise<void> {
    // One turn of the event loop lets callers that are ready at the same time join the first group.
    await new Promise(setImmediate);
    while (this.waiting.length > 0) {
      const group = this.takeGroup();
      await this.runGroup(group);
      this.options.onAppended();
    }
    this.running = null;
  }

  private takeGroup(): Waiting[] {
    let entries = 0;
    const end = this.waiting.findIndex((one, position) => {
      entries += one.entries;
      return position > 0 && entries > this.limits.entries;
    });
    const group = this.waiting.splice(0, end === -1 ? this.waiting.length : end);
    this.waitingEntries -= group.reduce((sum, one) => sum + one.entries, 0);
    return group;
  }

  private async runGroup(group: readonly Waiting[], attempt = 1): Promise<void> {
    try {
      const outcomes = await this.options.repository.db
        .transaction()
        .execute((tx) => this.sequence(tx, group));
      for (const [position, outcome] of outcomes.entries()) settle(group[position]!, outcome);
    } catch (error) {
      if (lostRace(error) && attempt < MAX_ATTEMPTS) return this.runGroup(group, attempt + 1);
      if (group.length === 1) return group[0]!.reject(error);
      for (const one of group) await this.runGroup([one]);
    }
  }

  private async sequence(tx: Tx, group: readonly Waiting[]): Promise<Outcome[]> {
    const { repository } = this.options;
    const { logs, heads } = await this.lockLogs(tx, group);
    // After the locks: what another daemon answered under the same key is committed and visible by now.
    const keys = group.flatMap(({ operation }) => operation.idempotency ?? []);
    const stored = await repository.storedResponses(tx, keys);
    const fresh = freshOf(group, stored);
    const placements = await this.place(tx, fresh, logs, heads);
    const made = await this.write(tx, fresh, placements);
    const answers = answersOf(made);
    const facts = fresh.flatMap(
      ({ operation }, position) => operation.facts?.(placements[position]!.placed) ?? [],
    );
    await this.insert(tx, {
      heads: fresh.length > 0 ? heads : new Map(),
      entries: placements.flatMap((placement) => placement.entries),
      facts,
      answers,
      events: placements.flatMap((placement) => placement.events),
      batches: placements.flatMap(({ sealed }) => sealed.batches),
    });
    const responses = new Map([
      ...stored,
      ...answers.map((answer) => [responseKey(answer), answer] as const),
    ]);
    return group.map((one) => (made.has(one) ? { response: made.get(one)! } : repeated(one, responses)));
  }

  private async insert(tx: Tx, rows: GroupRows): Promise<void> {
    const { repository } = this.options;
    const entries = rows.entries.reduce((sum, { count }) => sum + count, 0);
    if (entries <= this.limits.statementEntries) return repository.insertGroup(tx, rows);
    // Heads first: the contiguity trigger holds the entries against them. Requests before the commitments that name them.
    await repository.moveHeads(tx, rows.heads);
    await repository.insertEntries(tx, rows.entries);
    await repository.insertFacts(tx, rows.facts);
    await repository.storeResponses(tx, rows.answers);
    await repository.insertEvents(tx, rows.events);
    await repository.insertCommitments(tx, rows.batches);
  }

  private async write(
    tx: Tx,
    fresh: readonly Waiting[],
    placements: readonly Placement[],
  ): Promise<Map<Waiting, Json>> {
    for (const [shared, parts] of sharedBy(fresh)) await shared.run(tx, parts);
    const made = new Map<Waiting, Json>();
    for (const [position, one] of fresh.entries())
      made.set(one, asJson(await one.operation.write(tx, placements[position]!.placed)));
    return made;
  }

  /** Assigns indexes to the entries of all operations. */
  private async place(
    tx: Tx,
    fresh: readonly Waiting[],
    logs: ReadonlyMap<string, number>,
    heads: Map<number, bigint>,
  ): Promise<Placement[]> {
    const { repository, clock, originOf } = this.options;
    for (const { operation } of fresh) {
      const modelId = operation.createLogFor;
      if (modelId)
        await repository.createLog(tx, { origin: originOf(modelId), kind: 'commitments', modelId });
    }
    // After the lock: time never runs backwards along a log.
    const at = clock();
    return fresh.map((one) => {
      one.sealed ??= sealOperation(one.operation);
      return new Placement(one.sealed, logs, heads, at);
    });
  }

  /** Locks the logs that the group appends to. Log ids are by model id, the event log's under the empty string. */
  private async lockLogs(tx: Tx, group: readonly Waiting[]) {
    const modelIds = new Set(
      group.flatMap(({ operation }) => (operation.commitments ?? []).map((batch) => batch.modelId)),
    );
    const withEvents = group.some(({ operation }) => operation.events.length > 0);
    const locked = await this.options.repository.lockHeads(tx, [...modelIds], withEvents);
    const logs = new Map(locked.map(({ logId, modelId }) => [modelId ?? '', logId]));
    for (const modelId of modelIds)
      if (!logs.has(modelId))
        throw new LedgerError('LEDGER_LOG_UNKNOWN', 'a commitment names a model that is not registered');
    invariant(!withEvents || logs.has(''), 'the event log is made when the ledger starts');
    return { logs, heads: new Map(locked.map(({ logId, nextIndex }) => [logId, nextIndex])) };
  }
}

/** The rows of one operation at their indexes, taken from (and advancing) `heads`. */
class Placement {
  readonly entries: CopyRows[] = [];
  readonly events: EventRow[] = [];
  readonly placed: Placed;

  constructor(
    readonly sealed: SealedOperation,
    private readonly logs: ReadonlyMap<string, number>,
    private readonly heads: Map<number, bigint>,
    at: Date,
  ) {
    const eventIndexes = sealed.events.map(({ draft, content, salt, entry }) => {
      const leafIndex = this.place('', [entry]);
      this.events.push({ leafIndex, content, salt, type: draft.type, subjectId: draft.subjectId });
      return leafIndex;
    });
    const commitmentIndexes = sealed.batches.map(({ batch, entries, commitments, openings }) => {
      const first = this.place(batch.modelId, [entries, commitments, openings]);
      return batch.items.map((_item, n) => first + BigInt(n));
    });
    this.placed = { eventIndexes, commitmentIndexes, at };
  }

  /** Puts rows of several tables, the entries first, at the end of a log; returns their first index. */
  private place(logKey: string, rows: readonly [CopyRows, ...CopyRows[]]): bigint {
    const logId = this.logs.get(logKey)!;
    const first = this.heads.get(logId)!;
    for (const one of rows) one.place(logId, first);
    this.heads.set(logId, first + BigInt(rows[0].count));
    this.entries.push(rows[0]);
    return first;
  }
}

/** Another daemon's transaction won; the same operation succeeds (or finds its answer) when run again. */
function lostRace(error: unknown): boolean {
  const { code, constraint_name: constraint } = error as { code?: string; constraint_name?: string };
  return code === '40001' || code === '40P01' || (code === '23505' && constraint === 'idempotency_key_pkey');
}

function digestOf(content: Json): Uint8Array {
  return createHash('sha256').update(canonicalJson(content)).digest();
}

/** What the stored response will read back as, so that first and later answers are the same. */
function asJson(response: Json): Json {
  return JSON.parse(JSON.stringify(response)) as Json;
}

/** Those not answered before; of several under one key the first, the others are answered like later repeats. */
function freshOf(group: readonly Waiting[], stored: ReadonlyMap<string, StoredResponse>): Waiting[] {
  const known = new Set(stored.keys());
  return group.filter(({ operation: { idempotency } }) => {
    if (!idempotency) return true;
    const key = responseKey(idempotency);
    if (known.has(key)) return false;
    known.add(key);
    return true;
  });
}

function sharedBy(group: readonly Waiting[]): Map<SharedWrite<unknown>, unknown[]> {
  const parts = new Map<SharedWrite<unknown>, unknown[]>();
  for (const { operation } of group) {
    if (!operation.shares) continue;
    const { shared, part } = operation.shares;
    const known = parts.get(shared);
    if (known) known.push(part);
    else parts.set(shared, [part]);
  }
  return parts;
}

function answersOf(made: ReadonlyMap<Waiting, Json>): Answer[] {
  return [...made].flatMap(([{ operation, digest }, response]) =>
    operation.idempotency && digest ? [{ ...operation.idempotency, contentDigest: digest, response }] : [],
  );
}

function repeated(one: Waiting, responses: ReadonlyMap<string, StoredResponse>): Outcome {
  const stored = responses.get(responseKey(one.operation.idempotency!));
  invariant(stored && one.digest, 'only an operation with a known key is a repeat');
  if (stored.contentDigest.every((byte) => byte === 0)) {
    const message = 'what was filed under this idempotency key has been erased; it is not filed again';
    return { error: new LedgerError('LEDGER_CONTENT_ERASED', message) };
  }
  if (Buffer.compare(stored.contentDigest, one.digest) === 0) return { response: stored.response as Json };
  const error = new LedgerError(
    'LEDGER_IDEMPOTENCY_CONFLICT',
    'this idempotency key was used for other content; choose a new key for a new request',
  );
  return { error };
}

function settle(one: Waiting, outcome: Outcome): void {
  if ('error' in outcome) one.reject(outcome.error);
  else one.resolve(outcome.response);
}

function refuse(code: 'LEDGER_OVERLOADED' | 'LEDGER_STOPPING', message: string): Promise<never> {
  return Promise.reject(new LedgerError(code, message, { retryable: true }));
}
