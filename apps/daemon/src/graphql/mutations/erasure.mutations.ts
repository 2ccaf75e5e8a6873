import { Args, Mutation, Resolver } from '@nestjs/graphql';
import { ErasureService } from '@app/registry';
import { Roles } from '../../auth/roles.decorator.js';
import { type GraphqlContext, principalOf, RequestContext } from '../graphql-context.js';
import { ErasureNode, toErasureNode } from '../nodes/erasure.node.js';
import { EraseDeletionRequestInput } from './inputs.js';

/**
 * For operators, not for platforms: what is erased cannot be tested any more, and whoever made a promise must not be able
 * to take it out of the test.
 */
@Resolver()
export class ErasureMutations {
  constructor(private readonly erasures: ErasureService) {}

  @Mutation(() => ErasureNode, {
    description:
      'Destroys subject, samples, salts and signals of a request for good; later verifications say NO_LONGER_VERIFIABLE.',
  })
  @Roles('operator')
  async eraseDeletionRequest(
    @Args('input') input: EraseDeletionRequestInput,
    @RequestContext() context: GraphqlContext,
  ): Promise<ErasureNode> {
    return toErasureNode(await this.erasures.erase({ ...input }, principalOf(context).subject));
  }
}
