import { Args, ID, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { RecurrenceService } from '@app/verification';
import { type ConnectionOf, PageArgs, pageRequest, toConnection } from '../connection.js';
import { type GraphqlContext, RequestContext } from '../graphql-context.js';
import { present, requireId } from '../ids.js';
import { DeletionRequestNode, toRequestNode } from '../nodes/deletion-request.node.js';
import { RecurrenceConnection, RecurrenceNode, toRecurrenceNode } from '../nodes/recurrence.node.js';
import { ReleaseNode, toReleaseNode } from '../nodes/release.node.js';
import { toVerificationNode, VerificationNode } from '../nodes/verification.node.js';
import { ReadPersonal } from './read-roles.js';

@Resolver(() => RecurrenceNode)
export class RecurrenceResolver {
  constructor(private readonly service: RecurrenceService) {}

  @Query(() => RecurrenceConnection, {
    description: 'Requests that came back; of a model, of a request, or all, in order of detection.',
  })
  @ReadPersonal()
  async recurrences(
    @Args('modelId', { type: () => ID, nullable: true }) modelId: string | null,
    @Args('requestId', { type: () => ID, nullable: true }) requestId: string | null,
    @Args() page: PageArgs,
  ): Promise<ConnectionOf<RecurrenceNode>> {
    const filter = {
      modelId: modelId ? requireId(modelId, 'model') : undefined,
      requestId: requestId ? requireId(requestId, 'deletion request') : undefined,
    };
    return toConnection(await this.service.list(filter, pageRequest(page)), toRecurrenceNode);
  }

  @ResolveField(() => DeletionRequestNode)
  async request(
    @Parent() { requestId }: RecurrenceNode,
    @RequestContext() { loaders }: GraphqlContext,
  ): Promise<DeletionRequestNode> {
    return toRequestNode(present(await loaders.requests.load(requestId), 'deletion request'));
  }

  @ResolveField(() => VerificationNode, { description: 'The verification that found it.' })
  async verification(
    @Parent() { verificationId }: RecurrenceNode,
    @RequestContext() { loaders }: GraphqlContext,
  ): Promise<VerificationNode> {
    return toVerificationNode(present(await loaders.verifications.load(verificationId), 'verification'));
  }

  @ResolveField(() => ReleaseNode, { description: 'The first release under which it is residual again.' })
  async firstBadRelease(
    @Parent() { firstBadReleaseId }: RecurrenceNode,
    @RequestContext() { loaders }: GraphqlContext,
  ): Promise<ReleaseNode> {
    return toReleaseNode(present(await loaders.releases.load(firstBadReleaseId), 'release'));
  }

  @ResolveField(() => ReleaseNode, { description: 'The last release before it under which it was clean.' })
  async lastCleanRelease(
    @Parent() { lastCleanReleaseId }: RecurrenceNode,
    @RequestContext() { loaders }: GraphqlContext,
  ): Promise<ReleaseNode> {
    return toReleaseNode(present(await loaders.releases.load(lastCleanReleaseId), 'release'));
  }
}
