/**
 * How a release stands: withdrawn, superseded, or neither. Both are said once and for good; where another release becomes
 * the current one by it, that one's verification is asked for in the same transaction.
 * Proven by test/medium/registry-standing.spec.ts.
 */
import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock, type EventDraft, LedgerService } from '@app/ledger';
import { type Tx, WITHDRAWAL_REASONS } from '@app/persistence';
import { z } from 'zod';
import { RegistryError } from './errors.js';
import { idempotencyKey, isUuid, parseActor, parseInput, uuid } from './input.js';
import {
  ReleaseStandingRepository,
  type Supersession,
  type Withdrawal,
} from './release-standing.repository.js';
import { type Release, ReleaseRepository } from './release.repository.js';
import { ReleaseService } from './release.service.js';
import { VerificationTrigger } from './verification-trigger.service.js';

const withdrawalInput = z.strictObject({
  releaseId: uuid,
  /** One of a few words: free text would be kept for ever in the event log. */
  reason: z.enum(WITHDRAWAL_REASONS),
  idempotencyKey,
});
export type WithdrawalInput = z.input<typeof withdrawalInput>;

const supersessionInput = z.strictObject({ releaseId: uuid, successorId: uuid, idempotencyKey });
export type SupersessionInput = z.input<typeof supersessionInput>;

/** How one release ends: what the caller's key stands for, its event, and its row. */
interface End {
  readonly scope: string;
  readonly key: string;
  readonly content: Readonly<Record<string, string>>;
  readonly event: EventDraft;
  readonly insert: (tx: Tx, eventIndex: bigint) => Promise<void>;
}

@Injectable()
export class ReleaseStandingService {
  constructor(
    private readonly standings: ReleaseStandingRepository,
    private readonly registered: ReleaseService,
    private readonly releases: ReleaseRepository,
    private readonly trigger: VerificationTrigger,
    private readonly ledger: LedgerService,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * Withdraws a release: it is current no more, and no schedule verifies it.
   * @throws RegistryError REGISTRY_INPUT_INVALID, REGISTRY_NOT_FOUND, REGISTRY_RELEASE_WITHDRAWN when it is already;
   *   LedgerError LEDGER_IDEMPOTENCY_CONFLICT
   */
  async withdraw(input: WithdrawalInput, actor: string): Promise<Release> {
    const withdrawnBy = parseActor(actor);
    const { idempotencyKey: key, ...content } = parseInput(withdrawalInput, input);
    const release = await this.registered.get(content.releaseId);
    const withdrawal = { ...content, withdrawnBy, withdrawnAt: this.clock() };
    return this.end(release, {
      scope: 'release-withdrawal',
      key,
      content,
      event: {
        type: 'release-withdrawn',
        subjectId: release.releaseId,
        content: { ...withdrawal, withdrawnAt: withdrawal.withdrawnAt.toISOString() },
      },
      insert: async (tx, eventIndex) => {
        await this.requireNotWithdrawn(tx, release.releaseId);
        await this.standings.insertWithdrawal(tx, { ...withdrawal, eventIndex });
      },
    });
  }

  /**
   * Marks a release as superseded by another of its model, newer or older, that is in use itself.
   * @throws RegistryError REGISTRY_INPUT_INVALID, REGISTRY_NOT_FOUND, REGISTRY_RELEASE_WITHDRAWN or
   *   REGISTRY_RELEASE_SUPERSEDED when it is already, REGISTRY_SUCCESSOR_UNUSABLE;
   *   LedgerError LEDGER_IDEMPOTENCY_CONFLICT
   */
  async supersede(input: SupersessionInput, actor: string): Promise<Release> {
    const supersededBy = parseActor(actor);
    const { idempotencyKey: key, ...content } = parseInput(supersessionInput, input);
    const release = await this.registered.get(content.releaseId);
    const successor = await this.registered.get(content.successorId);
    if (successor.releaseId === release.releaseId)
      throw unusable('itself', 'a release cannot succeed itself');
    if (successor.modelId !== release.modelId)
      throw unusable('other-model', 'the successor is a release of another model');
    const supersession = { ...content, supersededBy, supersededAt: this.clock() };
    return this.end(release, {
      scope: 'release-supersession',
      key,
      content,
      event: {
        type: 'release-superseded',
        subjectId: release.releaseId,
        content: { ...supersession, supersededAt: supersession.supersededAt.toISOString() },
      },
      insert: async (tx, eventIndex) => {
        await this.requireNotWithdrawn(tx, release.releaseId);
        if ((await this.standings.supersessions([release.releaseId], tx)).length > 0)
          throw new RegistryError('REGISTRY_RELEASE_SUPERSEDED', 'the release is superseded already');
        await this.requireInUse(tx, successor.releaseId);
        await this.standings.insertSupersession(tx, { ...supersession, eventIndex });
      },
    });
  }

  /** Those of `releaseIds` that are withdrawn, in no particular order. */
  withdrawals(releaseIds: readonly string[]): Promise<readonly Withdrawal[]> {
    return this.standings.withdrawals(releaseIds.filter(isUuid));
  }

  /** Those of `releaseIds` that are superseded, in no particular order. */
  supersessions(releaseIds: readonly string[]): Promise<readonly Supersession[]> {
    return this.standings.supersessions(releaseIds.filter(isUuid));
  }

  private async end(release: Release, { scope, key, content, event, insert }: End): Promise<Release> {
    const { modelId, releaseId } = release;
    await this.ledger.append({
      idempotency: { scope, key, content },
      events: [event],
      // No commitments, but the lock on their log: whoever commits meanwhile sees which release is current afterwards.
      commitments: [{ modelId, requestId: releaseId, items: [] }],
      write: async (tx, placed) => {
        const before = await this.releases.current(modelId, tx);
        await insert(tx, placed.eventIndexes[0]!);
        const after = await this.releases.current(modelId, tx);
        if (after && after.releaseId !== before?.releaseId)
          await this.trigger.forRelease(tx, after.releaseId, 'release');
        return { releaseId };
      },
    });
    return release;
  }

  private async requireNotWithdrawn(tx: Tx, releaseId: string): Promise<void> {
    if ((await this.standings.withdrawals([releaseId], tx)).length > 0)
      throw new RegistryError('REGISTRY_RELEASE_WITHDRAWN', 'the release is withdrawn already');
  }

  /** A superseded successor would make two releases wait for each other, and the model have none. */
  private async requireInUse(tx: Tx, successorId: string): Promise<void> {
    if ((await this.standings.withdrawals([successorId], tx)).length > 0)
      throw unusable('withdrawn', 'the successor is withdrawn');
    if ((await this.standings.supersessions([successorId], tx)).length > 0)
      throw unusable('superseded', 'the successor is superseded itself');
  }
}

function unusable(
  why: 'itself' | 'other-model' | 'withdrawn' | 'superseded',
  message: string,
): RegistryError {
  return new RegistryError('REGISTRY_SUCCESSOR_UNUSABLE', message, { details: { why } });
}
