import { Args, ID, Int, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { DeletionRequestService } from '@app/registry';
import { ResultService } from '@app/verification';
import { type ConnectionOf, PageArgs, pageRequest, toConnection } from '../connection.js';
import { type GraphqlContext, RequestContext } from '../graphql-context.js';
import { present } from '../ids.js';
import {
  CommitmentConnection,
  CommitmentNode,
  DeletionRequestConnection,
  DeletionRequestNode,
  toCommitmentNode,
  toRequestNode,
} from '../nodes/deletion-request.node.js';
import { ErasureNode, toErasureNode } from '../nodes/erasure.node.js';
import { ModelNode, toModelNode } from '../nodes/model.node.js';
import { RequestResultNode, toRequestResultNode } from '../nodes/result.node.js';
import { ReadPersonal } from './read-roles.js';

@Resolver(() => DeletionRequestNode)
export class DeletionRequestResolver {
  constructor(
    private readonly service: DeletionRequestService,
    private readonly resultService: ResultService,
  ) {}

  @Query(() => DeletionRequestNode, { nullable: true })
  @ReadPersonal()
  async deletionRequest(@Args('id', { type: () => ID }) id: string): Promise<DeletionRequestNode> {
    return toRequestNode(await this.service.get(id));
  }

  @Query(() => DeletionRequestConnection, { description: 'In the order of filing.' })
  @ReadPersonal()
  async deletionRequests(
    @Args('modelId', { type: () => ID, nullable: true }) modelId: string | null,
    @Args('subject', { type: () => String, nullable: true }) subject: string | null,
    @Args() page: PageArgs,
  ): Promise<ConnectionOf<DeletionRequestNode>> {
    const filter = { modelId: modelId ?? null, subject: subject ?? null };
    return toConnection(await this.service.list(filter, pageRequest(page)), toRequestNode);
  }

  @ResolveField(() => CommitmentConnection, { description: 'By model and leaf index.' })
  async commitments(
    @Parent() { id }: DeletionRequestNode,
    @Args() page: PageArgs,
  ): Promise<ConnectionOf<CommitmentNode>> {
    return toConnection(
      await this.service.commitments({ requestId: id }, pageRequest(page)),
      toCommitmentNode,
    );
  }

  @ResolveField(() => ErasureNode, { nullable: true, description: 'Null while the request is not erased.' })
  async erasure(
    @Parent() { id }: DeletionRequestNode,
    @RequestContext() { loaders }: GraphqlContext,
  ): Promise<ErasureNode | null> {
    const erasure = await loaders.erasures.load(id);
    return erasure ? toErasureNode(erasure) : null;
  }

  @ResolveField(() => [RequestResultNode], { description: 'What verifications said about it, newest first.' })
  async verdicts(
    @Parent() { id }: DeletionRequestNode,
    @Args('first', { type: () => Int, nullable: true }) first: number | null,
  ): Promise<RequestResultNode[]> {
    const size = pageRequest({ first }).first;
    return (await this.resultService.historyOf(id, size)).map(toRequestResultNode);
  }
}

@Resolver(() => CommitmentNode)
export class CommitmentResolver {
  constructor(private readonly service: DeletionRequestService) {}

  @Query(() => CommitmentConnection, { description: 'Of one sample, or of one model, by leaf index.' })
  @ReadPersonal()
  async commitments(
    @Args('modelId', { type: () => ID, nullable: true }) modelId: string | null,
    @Args('sampleId', { type: () => String, nullable: true }) sampleId: string | null,
    @Args() page: PageArgs,
  ): Promise<ConnectionOf<CommitmentNode>> {
    const filter = { modelId: modelId ?? null, sampleId: sampleId ?? null };
    return toConnection(await this.service.commitments(filter, pageRequest(page)), toCommitmentNode);
  }

  @ResolveField(() => ModelNode)
  async model(
    @Parent() { modelId }: CommitmentNode,
    @RequestContext() { loaders }: GraphqlContext,
  ): Promise<ModelNode> {
    return toModelNode(present(await loaders.models.load(modelId), 'model'));
  }

  @ResolveField(() => DeletionRequestNode)
  async request(
    @Parent() { requestId }: CommitmentNode,
    @RequestContext() { loaders }: GraphqlContext,
  ): Promise<DeletionRequestNode> {
    return toRequestNode(present(await loaders.requests.load(requestId), 'deletion request'));
  }
}
