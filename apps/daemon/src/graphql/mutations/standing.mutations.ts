import { Args, Mutation, Resolver } from '@nestjs/graphql';
import { ReleaseStandingService } from '@app/registry';
import { Roles } from '../../auth/roles.decorator.js';
import { type GraphqlContext, principalOf, RequestContext } from '../graphql-context.js';
import { ReleaseNode, toReleaseNode } from '../nodes/release.node.js';
import { SupersedeReleaseInput, WithdrawReleaseInput } from './inputs.js';

/** How releases end. */
@Resolver()
export class StandingMutations {
  constructor(private readonly standings: ReleaseStandingService) {}

  @Mutation(() => ReleaseNode, {
    description: 'The release is current no more, and no schedule verifies it. Its record stays.',
  })
  @Roles('platform')
  async withdrawRelease(
    @Args('input') input: WithdrawReleaseInput,
    @RequestContext() context: GraphqlContext,
  ): Promise<ReleaseNode> {
    return toReleaseNode(await this.standings.withdraw({ ...input }, principalOf(context).subject));
  }

  @Mutation(() => ReleaseNode, {
    description:
      'Another release of the model, newer or older, takes its place: the release is current no more, and no schedule verifies it.',
  })
  @Roles('platform')
  async supersedeRelease(
    @Args('input') input: SupersedeReleaseInput,
    @RequestContext() context: GraphqlContext,
  ): Promise<ReleaseNode> {
    return toReleaseNode(await this.standings.supersede({ ...input }, principalOf(context).subject));
  }
}
