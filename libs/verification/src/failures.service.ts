/** Ends a verification that cannot go on, where people look for it. Proven by test/medium/verification.spec.ts. */
import { CodedError } from '@app/errors';
import { CLOCK, type Clock } from '@app/ledger';
import { DATABASE, type Database } from '@app/persistence';
import { Inject, Injectable } from '@nestjs/common';
import { VerificationRepository } from './verification.repository.js';

@Injectable()
export class FailuresService {
  constructor(
    private readonly verifications: VerificationRepository,
    @Inject(DATABASE) private readonly db: Database,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * Runs one step. An error that no further try can mend marks the verification FAILED with its code; the error is
   * passed on to the queue either way.
   * @param lastTry whether the queue will not try again
   */
  async guard(verificationId: string, lastTry: boolean, step: () => Promise<unknown>): Promise<void> {
    try {
      await step();
    } catch (error) {
      if (lastTry || (error instanceof CodedError && !error.retryable)) {
        await this.verifications.fail(this.db, verificationId, describe(error), this.clock());
      }
      throw error;
    }
  }
}

/** Coded errors say what was wrong without content; what other errors say may go into the log only. */
function describe(error: unknown): { code: string; message: string } {
  if (error instanceof CodedError) return { code: String(error.code), message: error.message };
  return { code: 'VERIFICATION_INTERNAL', message: 'an unexpected error; the log has the details' };
}
