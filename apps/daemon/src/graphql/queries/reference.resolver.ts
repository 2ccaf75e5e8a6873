import { Args, ID, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { ArtifactRecordingService, ReferenceService } from '@app/registry';
import { type ConnectionOf, PageArgs, pageRequest, toConnection } from '../connection.js';
import { type GraphqlContext, RequestContext } from '../graphql-context.js';
import { present } from '../ids.js';
import { ModelNode, toModelNode } from '../nodes/model.node.js';
import { AttachedRecordingNode, toRecordingNode } from '../nodes/recording.node.js';
import { ReferenceConnection, ReferenceNode, toReferenceNode } from '../nodes/reference.node.js';
import { ReadByAll } from './read-roles.js';

@Resolver(() => ReferenceNode)
export class ReferenceResolver {
  constructor(
    private readonly service: ReferenceService,
    private readonly recordingService: ArtifactRecordingService,
  ) {}

  @Query(() => ReferenceNode, { nullable: true })
  @ReadByAll()
  async reference(@Args('id', { type: () => ID }) id: string): Promise<ReferenceNode> {
    return toReferenceNode(await this.service.get(id));
  }

  @Query(() => ReferenceConnection, { description: 'In the order of registration; of one model, or of all.' })
  @ReadByAll()
  async references(
    @Args('modelId', { type: () => ID, nullable: true }) modelId: string | null,
    @Args() page: PageArgs,
  ): Promise<ConnectionOf<ReferenceNode>> {
    return toConnection(await this.service.list(modelId ?? null, pageRequest(page)), toReferenceNode);
  }

  @ResolveField(() => ModelNode)
  async model(
    @Parent() { modelId }: ReferenceNode,
    @RequestContext() { loaders }: GraphqlContext,
  ): Promise<ModelNode> {
    return toModelNode(present(await loaders.models.load(modelId), 'model'));
  }

  @ResolveField(() => [AttachedRecordingNode])
  async recordings(@Parent() { id }: ReferenceNode): Promise<AttachedRecordingNode[]> {
    return (await this.recordingService.recordingsOfArtifact(id)).map(toRecordingNode);
  }
}
