/**
 * Asks for verifications of current releases where something changed since the newest one, or where its attestation would
 * expire; counts the others. A renewal is a verification that finds every score known: it runs no model and reads no signal.
 * A release behind an endpoint has a drift check first, whatever the reason, which asks for its verification.
 * Proven by test/medium/verification-reverify.spec.ts.
 */
import { DATABASE, type Database } from '@app/persistence';
import { Queue } from '@app/queue';
import { Inject, Injectable } from '@nestjs/common';
import { type DueTimes, type ReleaseState, type ReverifyReason, reverifyReason } from './reverification.js';
import { ReverificationRepository } from './reverification.repository.js';
import { VerificationService } from './verification.service.js';

/** How many current releases there were of each kind. */
export type ReverifyCounts = Readonly<Partial<Record<ReverifyReason | 'unchanged', number>>>;

@Injectable()
export class ReverificationService {
  constructor(
    private readonly states: ReverificationRepository,
    private readonly verifications: VerificationService,
    private readonly queue: Queue,
    @Inject(DATABASE) private readonly db: Database,
  ) {}

  /** Withdrawn and superseded releases are not looked at. */
  async requestDue(times: DueTimes): Promise<ReverifyCounts> {
    const counts: Partial<Record<ReverifyReason | 'unchanged', number>> = {};
    for (const state of await this.states.states()) {
      const reason = reverifyReason(state, times);
      if (reason !== null) await this.request(state, reason, times);
      const outcome = reason ?? 'unchanged';
      counts[outcome] = (counts[outcome] ?? 0) + 1;
    }
    return counts;
  }

  private async request(
    { releaseId, runsAtEndpoint }: ReleaseState,
    reason: ReverifyReason,
    { dueAt }: DueTimes,
  ): Promise<void> {
    if (runsAtEndpoint)
      await this.queue.send(this.db, 'verification.drift', { releaseId, dueAt: dueAt.toISOString() });
    else await this.verifications.request(releaseId, reason === 'expiring' ? 'renewal' : 'schedule');
  }
}
