import { Args, ID, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { ProfileService } from '@app/verification';
import { type ConnectionOf, PageArgs, pageRequest, toConnection } from '../connection.js';
import { type GraphqlContext, RequestContext } from '../graphql-context.js';
import { present, requireId } from '../ids.js';
import { ModelNode, toModelNode } from '../nodes/model.node.js';
import { ProfileConnection, ProfileNode, toProfileNode } from '../nodes/profile.node.js';
import { ReadByAll } from './read-roles.js';

@Resolver(() => ProfileNode)
export class ProfileResolver {
  constructor(private readonly service: ProfileService) {}

  @Query(() => ProfileNode, { nullable: true })
  @ReadByAll()
  async profile(@Args('id', { type: () => ID }) id: string): Promise<ProfileNode> {
    return toProfileNode(await this.service.get(requireId(id, 'profile')));
  }

  @Query(() => ProfileConnection, { description: 'In order of freezing.' })
  @ReadByAll()
  async profiles(
    @Args('modelId', { type: () => ID }) modelId: string,
    @Args() page: PageArgs,
  ): Promise<ConnectionOf<ProfileNode>> {
    return toConnection(
      await this.service.list(requireId(modelId, 'model'), pageRequest(page)),
      toProfileNode,
    );
  }

  @ResolveField(() => ModelNode)
  async model(
    @Parent() { modelId }: ProfileNode,
    @RequestContext() { loaders }: GraphqlContext,
  ): Promise<ModelNode> {
    return toModelNode(present(await loaders.models.load(modelId), 'model'));
  }
}
