/**
 * Erasing a deletion request: what says whose and which samples it was about is destroyed, and the event log says that
 * it was. Leaves, proofs and attestations stay as they are; README.md lists every place where something could be left.
 *
 * The erasure is prepared outside the transaction, because the event says what remains of each recording, which only
 * reading it can tell. Inside, under the locks of the event log and of the request's commitment logs, what is destroyed
 * must be what was prepared; otherwise nothing happens and it is prepared anew. So nobody who files, registers or erases
 * at the same moment can make the event untrue. Proven by test/medium/erasure.spec.ts.
 */
import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { RecordingDigest, RecordingService } from '@app/inference';
import { CLOCK, type Clock, type JsonObject, LedgerService, type Placed } from '@app/ledger';
import { ERASURE_REASONS, type ErasureReason, type Tx } from '@app/persistence';
import { VaultService } from '@app/vault';
import { z } from 'zod';
import type { DeletionRequest } from './deletion-request.repository.js';
import { DeletionRequestService } from './deletion-request.service.js';
import { type ErasedSignals, type Erasure, ErasureRepository, type LeafRun } from './erasure.repository.js';
import { RegistryError } from './errors.js';
import { refuseAmongFilings } from './filing-marker.js';
import { found, idempotencyKey, isUuid, parseActor, parseInput, uuid } from './input.js';

const ERASURE_TYPE = 'deletion-request-erased';
/** Each failed attempt means that somebody else got through; more than a few in a row need a busy ledger. */
const MAX_ATTEMPTS = 10;

const erasureInput = z.strictObject({
  requestId: uuid,
  /** One of a few words: free text would be kept for ever in the event log. */
  reason: z.enum(ERASURE_REASONS),
  idempotencyKey,
});
export type ErasureInput = z.input<typeof erasureInput>;

/** What an erasure will destroy and leave, as far as the event log says it. */
interface Preparation {
  readonly request: DeletionRequest;
  readonly leaves: readonly LeafRun[];
  readonly signals: readonly ErasedSignals[];
  /** How often the recordings had been reduced when they were read. */
  readonly timesReduced: bigint;
}

interface Order {
  readonly requestId: string;
  readonly reason: ErasureReason;
  readonly erasedBy: string;
  readonly key: string;
}

@Injectable()
export class ErasureService {
  /** Erasures of this process follow each other: side by side they would only refuse each other. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly erasures: ErasureRepository,
    private readonly requests: DeletionRequestService,
    private readonly recordings: RecordingService,
    private readonly vault: VaultService,
    private readonly ledger: LedgerService,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * Erases a request. What is erased stays so: again, under whatever key, it gives the first erasure.
   * @throws RegistryError REGISTRY_INPUT_INVALID, REGISTRY_NOT_FOUND, REGISTRY_CONTENDED (retryable); LedgerError
   *   LEDGER_IDEMPOTENCY_CONFLICT; VaultError VAULT_KEY_MISSING: then nothing is erased
   */
  async erase(input: ErasureInput, actor: string): Promise<Erasure> {
    const erasedBy = parseActor(actor);
    const { requestId, reason, idempotencyKey: key } = parseInput(erasureInput, input);
    await this.requests.get(requestId);
    const turn = this.last.then(() => this.inTurn({ requestId, reason, erasedBy, key }));
    this.last = turn.catch(() => undefined);
    return turn;
  }

  /** Null while the request is not erased. */
  async of(requestId: string): Promise<Erasure | null> {
    return (isUuid(requestId) ? await this.erasures.find([requestId]) : [])[0] ?? null;
  }

  /** Erasures of those of `requestIds` that are erased, in no particular order. */
  getMany(requestIds: readonly string[]): Promise<readonly Erasure[]> {
    return this.erasures.find(requestIds.filter(isUuid));
  }

  private async inTurn(order: Order): Promise<Erasure> {
    for (let attempt = 1; ; attempt += 1) {
      const known = await this.of(order.requestId);
      if (known) return known;
      try {
        await this.append(order, await this.prepare(order.requestId));
        return found((await this.of(order.requestId)) ?? undefined, 'erasure');
      } catch (error) {
        const contended = error instanceof RegistryError && error.code === 'REGISTRY_CONTENDED';
        if (!contended || attempt === MAX_ATTEMPTS) throw error;
      }
    }
  }

  private async prepare(requestId: string): Promise<Preparation> {
    const erasable = await this.erasures.erasableSignals(requestId);
    const timesReduced = await this.erasures.timesReduced([...erasable.keys()]);
    const signals: ErasedSignals[] = [];
    for (const [recordingId, sampleIds] of erasable) signals.push(await this.remains(recordingId, sampleIds));
    const request = await this.requests.get(requestId);
    return { request, leaves: await this.erasures.leafRuns(requestId), signals, timesReduced };
  }

  private async remains(recordingId: string, erased: ReadonlySet<string>): Promise<ErasedSignals> {
    const digest = new RecordingDigest();
    let rowsLeft = 0;
    for await (const { sampleId, value } of this.recordings.rows(recordingId)) {
      if (erased.has(sampleId)) continue;
      digest.add(sampleId, value);
      rowsLeft += 1;
    }
    const digestLeft = Buffer.from(digest.finish()).toString('hex');
    return { recordingId, rowsErased: erased.size, rowsLeft, digestLeft };
  }

  private async append({ key, ...order }: Order, preparation: Preparation): Promise<void> {
    const erasure = { erasureId: randomUUID(), ...order, erasedAt: this.clock() };
    const modelIds = new Set(preparation.leaves.map(({ modelId }) => modelId));
    await this.ledger.append({
      idempotency: {
        scope: 'erasure',
        key,
        content: { requestId: order.requestId, reason: order.reason },
      },
      events: [{ type: ERASURE_TYPE, subjectId: order.requestId, content: contentOf(erasure, preparation) }],
      // No commitments, but the locks on their logs: nobody files the same samples meanwhile.
      commitments: [...modelIds].map((modelId) => ({ modelId, requestId: order.requestId, items: [] })),
      write: (tx, placed) => this.write(tx, placed, erasure, preparation),
    });
  }

  private async write(
    tx: Tx,
    placed: Placed,
    erasure: Omit<Erasure, 'eventIndex'>,
    { signals, timesReduced }: Preparation,
  ): Promise<{ erasureId: string }> {
    await refuseAmongFilings(tx);
    await this.erasures.insert(tx, { ...erasure, eventIndex: placed.eventIndexes[0]! });
    const recordingIds = signals.map(({ recordingId }) => recordingId);
    const reduced = await this.erasures.timesReduced(recordingIds, tx);
    // Payloads first, while the openings still name the samples.
    for (const { modelId, sampleIds } of await this.erasures.orphanedSamples(tx, erasure.requestId))
      await this.vault.erase(tx, modelId, sampleIds);
    const gone = await this.erasures.destroy(tx, erasure.requestId);
    const asPrepared = signals.every(({ recordingId, rowsErased }) => gone.get(recordingId) === rowsErased);
    if (reduced !== timesReduced || gone.size !== signals.length || !asPrepared) {
      throw new RegistryError('REGISTRY_CONTENDED', 'what the erasure would destroy has just changed', {
        retryable: true,
      });
    }
    await this.erasures.insertSignals(tx, erasure.erasureId, signals);
    return { erasureId: erasure.erasureId };
  }
}

/** Nothing personal: what the leaves can no longer prove of the request is repeated here for the audit. */
function contentOf(
  { erasedAt, ...erasure }: Omit<Erasure, 'eventIndex'>,
  { request, leaves, signals }: Preparation,
): JsonObject {
  return {
    ...erasure,
    erasedAt: erasedAt.toISOString(),
    regime: request.regime,
    receivedAt: request.receivedAt.toISOString(),
    dueAt: request.dueAt.toISOString(),
    filedBy: request.filedBy,
    filedAt: request.filedAt.toISOString(),
    sampleCount: request.sampleCount,
    leaves: leaves.map((run) => ({ ...run, firstIndex: String(run.firstIndex) })),
    signals: signals.map((one) => ({ ...one })),
  };
}
