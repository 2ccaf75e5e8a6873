import { Args, ID, Mutation, Resolver } from '@nestjs/graphql';
import { VerificationService } from '@app/verification';
import { Roles } from '../../auth/roles.decorator.js';
import { requireId } from '../ids.js';
import { VerificationTicket } from '../nodes/verification.node.js';

/** What operators may start. Verifying is idempotent: where nothing is new, nothing is computed; endpoints are asked each time. */
@Resolver()
export class OperatorMutations {
  constructor(private readonly verifications: VerificationService) {}

  @Mutation(() => VerificationTicket, {
    description:
      'Verify a release against all commitments so far. Where an endpoint answers for it, it is asked again for known signals first.',
  })
  @Roles('operator')
  reverifyRelease(@Args('releaseId', { type: () => ID }) releaseId: string): Promise<VerificationTicket> {
    const id = requireId(releaseId, 'release');
    return this.verifications.request(id, 'operator');
  }

  @Mutation(() => [VerificationTicket], {
    description: 'Verify the current release of every model, as reverifyRelease does.',
  })
  @Roles('operator')
  reverifyCurrentReleases(): Promise<VerificationTicket[]> {
    return this.verifications.requestCurrentReleases('operator');
  }
}
