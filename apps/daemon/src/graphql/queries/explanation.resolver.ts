import { Args, ID, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { ExplanationService } from '@app/verification';
import { type GraphqlContext, RequestContext } from '../graphql-context.js';
import { present, requireId } from '../ids.js';
import { ExplanationNode, toExplanationNode } from '../nodes/explanation.node.js';
import { toVerificationNode, VerificationNode } from '../nodes/verification.node.js';
import { ReadPersonal } from './read-roles.js';

@Resolver(() => ExplanationNode)
export class ExplanationResolver {
  constructor(private readonly service: ExplanationService) {}

  @Query(() => ExplanationNode, {
    nullable: true,
    description:
      'Why a deletion request has its verdict under a release; by default the newest one verified.',
  })
  @ReadPersonal()
  async explainRequest(
    @Args('requestId', { type: () => ID }) requestId: string,
    @Args('releaseId', { type: () => ID, nullable: true }) releaseId: string | null,
  ): Promise<ExplanationNode> {
    const question = {
      requestId: requireId(requestId, 'deletion request'),
      releaseId: releaseId ? requireId(releaseId, 'release') : undefined,
    };
    return toExplanationNode(await this.service.explain(question));
  }

  @ResolveField(() => VerificationNode)
  async verification(
    @Parent() { verificationId }: ExplanationNode,
    @RequestContext() { loaders }: GraphqlContext,
  ): Promise<VerificationNode> {
    return toVerificationNode(present(await loaders.verifications.load(verificationId), 'verification'));
  }
}
