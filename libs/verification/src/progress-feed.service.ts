/**
 * Verifications as they go on, for whoever watches. The database is asked, not the workers, so it does not matter which
 * daemon is watched and which worker works; all watchers of a process share one question each half second.
 * Proven by test/medium/daemon-progress.spec.ts.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { VerificationError } from './errors.js';
import { hasEnded, type Verification, VerificationRepository } from './verification.repository.js';

/** Shorter shows no more than a block a time; longer looks as if nothing went on. */
const LOOK_EVERY_MS = 500;
/** A verification that was asked for exists once it is planned, which waits for a checkpoint and a free worker. */
const PLAN_PATIENCE_MS = 60_000;

@Injectable()
export class ProgressFeed {
  private readonly wanted = new Set<string>();
  private round: Promise<ReadonlyMap<string, Verification>> | null = null;

  constructor(private readonly verifications: VerificationRepository) {}

  /**
   * The verification now and after every change, until it is attested or has failed.
   * @throws VERIFICATION_UNKNOWN for one that is not even planned after a minute
   */
  async *follow(verificationId: string): AsyncGenerator<Verification> {
    const deadline = Date.now() + PLAN_PATIENCE_MS;
    let shown = '';
    let verification = await this.verifications.find(verificationId);
    for (;;) {
      if (verification) {
        const state = stateOf(verification);
        if (state !== shown) yield verification;
        if (hasEnded(verification)) return;
        shown = state;
      } else if (Date.now() > deadline) {
        throw new VerificationError('VERIFICATION_UNKNOWN', 'there is no such verification');
      }
      verification = await this.look(verificationId);
    }
  }

  private async look(verificationId: string): Promise<Verification | undefined> {
    this.wanted.add(verificationId);
    this.round ??= this.ask();
    return (await this.round).get(verificationId);
  }

  private async ask(): Promise<ReadonlyMap<string, Verification>> {
    await delay(LOOK_EVERY_MS, undefined, { ref: false });
    const ids = [...this.wanted];
    this.wanted.clear();
    this.round = null;
    const found = await this.verifications.findMany(ids);
    return new Map(found.map((verification) => [verification.verificationId, verification]));
  }
}

function stateOf({ progress, result }: Verification): string {
  const { status, blocksDone, samplesDone, forwardPasses } = progress;
  return [status, blocksDone, samplesDone, forwardPasses, result].join(' ');
}
