/** The progress of a verification as it goes on. Proven by test/medium/daemon-progress.spec.ts. */
import { Args, ID, Resolver, Subscription } from '@nestjs/graphql';
import { ProgressFeed } from '@app/verification';
import { requireId } from '../ids.js';
import { toProgressEvent, VerificationProgressEvent } from '../nodes/progress-event.node.js';
import { ReadByAll } from './read-roles.js';

interface Published {
  readonly verificationProgress: VerificationProgressEvent;
}

@Resolver()
export class ProgressSubscription {
  constructor(private readonly feed: ProgressFeed) {}

  @Subscription(() => VerificationProgressEvent, {
    description: 'The verification now and after every change, until it is attested or has failed.',
  })
  @ReadByAll()
  verificationProgress(
    @Args('verificationId', { type: () => ID }) verificationId: string,
  ): AsyncIterableIterator<Published> {
    return published(this.feed, requireId(verificationId, 'verification'));
  }
}

async function* published(feed: ProgressFeed, verificationId: string): AsyncGenerator<Published> {
  for await (const verification of feed.follow(verificationId))
    yield { verificationProgress: toProgressEvent(verification) };
}
