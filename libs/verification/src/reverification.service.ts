/**
 * Asks for verifications of current releases where something changed since the newest one, or where its attestation would
 * expire; counts the others. A renewal is a verification that finds every score known: it runs no model and reads no signal.
 * Proven by test/medium/verification-reverify.spec.ts.
 */
import { Injectable } from '@nestjs/common';
import { type DueTimes, type ReverifyReason, reverifyReason } from './reverification.js';
import { ReverificationRepository } from './reverification.repository.js';
import { VerificationService } from './verification.service.js';

/** How many current releases there were of each kind. */
export type ReverifyCounts = Readonly<Partial<Record<ReverifyReason | 'unchanged', number>>>;

@Injectable()
export class ReverificationService {
  constructor(
    private readonly states: ReverificationRepository,
    private readonly verifications: VerificationService,
  ) {}

  /** Withdrawn and superseded releases are not looked at. */
  async requestDue(times: DueTimes): Promise<ReverifyCounts> {
    const counts: Partial<Record<ReverifyReason | 'unchanged', number>> = {};
    for (const state of await this.states.states()) {
      const reason = reverifyReason(state, times);
      if (reason !== null)
        await this.verifications.request(state.releaseId, reason === 'expiring' ? 'renewal' : 'schedule');
      const outcome = reason ?? 'unchanged';
      counts[outcome] = (counts[outcome] ?? 0) + 1;
    }
    return counts;
  }
}
