import { Args, ID, Mutation, Resolver } from '@nestjs/graphql';
import { VerificationService } from '@app/verification';
import { Roles } from '../../auth/roles.decorator.js';
import { requireId } from '../ids.js';
import { VerificationTicket } from '../nodes/verification.node.js';

/** What operators may start. Verifying is idempotent: where nothing is new, nothing is computed. */
@Resolver()
export class OperatorMutations {
  constructor(private readonly verifications: VerificationService) {}

  @Mutation(() => VerificationTicket, { description: 'Verify a release against all commitments so far.' })
  @Roles('operator')
  async reverifyRelease(
    @Args('releaseId', { type: () => ID }) releaseId: string,
  ): Promise<VerificationTicket> {
    const id = requireId(releaseId, 'release');
    return { verificationId: await this.verifications.request(id, 'operator') };
  }

  @Mutation(() => [VerificationTicket], { description: 'Verify the current release of every model.' })
  @Roles('operator')
  async reverifyCurrentReleases(): Promise<VerificationTicket[]> {
    const ids = await this.verifications.requestCurrentReleases('operator');
    return ids.map((verificationId) => ({ verificationId }));
  }
}
