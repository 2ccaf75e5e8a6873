import { Args, ID, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { ArtifactRecordingService, ReleaseService } from '@app/registry';
import { VerificationService } from '@app/verification';
import { type ConnectionOf, PageArgs, pageRequest, toConnection } from '../connection.js';
import { type GraphqlContext, RequestContext } from '../graphql-context.js';
import { present } from '../ids.js';
import { ModelNode, toModelNode } from '../nodes/model.node.js';
import { AttachedRecordingNode, toRecordingNode } from '../nodes/recording.node.js';
import { ReleaseConnection, ReleaseNode, toReleaseNode } from '../nodes/release.node.js';
import {
  toVerificationNode,
  VerificationConnection,
  type VerificationNode,
} from '../nodes/verification.node.js';
import { ReadByAll } from './read-roles.js';

@Resolver(() => ReleaseNode)
export class ReleaseResolver {
  constructor(
    private readonly service: ReleaseService,
    private readonly recordingService: ArtifactRecordingService,
    private readonly verificationService: VerificationService,
  ) {}

  @Query(() => ReleaseNode, { nullable: true })
  @ReadByAll()
  async release(@Args('id', { type: () => ID }) id: string): Promise<ReleaseNode> {
    return toReleaseNode(await this.service.get(id));
  }

  @Query(() => ReleaseConnection, { description: 'In the order of registration; of one model, or of all.' })
  @ReadByAll()
  async releases(
    @Args('modelId', { type: () => ID, nullable: true }) modelId: string | null,
    @Args() page: PageArgs,
  ): Promise<ConnectionOf<ReleaseNode>> {
    return toConnection(await this.service.list(modelId ?? null, pageRequest(page)), toReleaseNode);
  }

  @ResolveField(() => ModelNode)
  async model(
    @Parent() { modelId }: ReleaseNode,
    @RequestContext() { loaders }: GraphqlContext,
  ): Promise<ModelNode> {
    return toModelNode(present(await loaders.models.load(modelId), 'model'));
  }

  @ResolveField(() => [AttachedRecordingNode])
  async recordings(@Parent() { id }: ReleaseNode): Promise<AttachedRecordingNode[]> {
    return (await this.recordingService.recordingsOfArtifact(id)).map(toRecordingNode);
  }

  @ResolveField(() => VerificationConnection, { description: 'Newest first.' })
  async verifications(
    @Parent() { id }: ReleaseNode,
    @Args() page: PageArgs,
  ): Promise<ConnectionOf<VerificationNode>> {
    return toConnection(
      await this.verificationService.list({ releaseId: id }, pageRequest(page)),
      toVerificationNode,
    );
  }
}
