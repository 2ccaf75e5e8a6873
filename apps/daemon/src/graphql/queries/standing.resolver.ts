/** How a release stands, on the release itself. */
import { Parent, ResolveField, Resolver } from '@nestjs/graphql';
import { type GraphqlContext, RequestContext } from '../graphql-context.js';
import { present } from '../ids.js';
import { ReleaseNode, toReleaseNode } from '../nodes/release.node.js';
import {
  SupersessionNode,
  toSupersessionNode,
  toWithdrawalNode,
  WithdrawalNode,
} from '../nodes/standing.node.js';

@Resolver(() => ReleaseNode)
export class StandingOfReleaseResolver {
  @ResolveField(() => Boolean, {
    description: 'True for the model’s newest release that is neither withdrawn nor superseded.',
  })
  async isCurrent(
    @Parent() { id, modelId }: ReleaseNode,
    @RequestContext() { loaders }: GraphqlContext,
  ): Promise<boolean> {
    return (await loaders.currentReleases.load(modelId))?.releaseId === id;
  }

  @ResolveField(() => WithdrawalNode, { nullable: true })
  async withdrawal(
    @Parent() { id }: ReleaseNode,
    @RequestContext() { loaders }: GraphqlContext,
  ): Promise<WithdrawalNode | null> {
    const withdrawal = await loaders.withdrawals.load(id);
    return withdrawal ? toWithdrawalNode(withdrawal) : null;
  }

  @ResolveField(() => SupersessionNode, { nullable: true })
  async supersession(
    @Parent() { id }: ReleaseNode,
    @RequestContext() { loaders }: GraphqlContext,
  ): Promise<SupersessionNode | null> {
    const supersession = await loaders.supersessions.load(id);
    return supersession ? toSupersessionNode(supersession) : null;
  }
}

@Resolver(() => SupersessionNode)
export class SupersessionResolver {
  @ResolveField(() => ReleaseNode, { description: 'The release that took its place.' })
  async successor(
    @Parent() { successorId }: SupersessionNode,
    @RequestContext() { loaders }: GraphqlContext,
  ): Promise<ReleaseNode> {
    return toReleaseNode(present(await loaders.releases.load(successorId), 'release'));
  }
}
