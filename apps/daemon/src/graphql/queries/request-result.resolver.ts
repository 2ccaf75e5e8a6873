import { Parent, ResolveField, Resolver } from '@nestjs/graphql';
import { type GraphqlContext, RequestContext } from '../graphql-context.js';
import { present } from '../ids.js';
import { DeletionRequestNode, toRequestNode } from '../nodes/deletion-request.node.js';
import { RequestResultNode } from '../nodes/result.node.js';
import { toVerificationNode, VerificationNode } from '../nodes/verification.node.js';

/** Reached only through fields that read personal data already. */
@Resolver(() => RequestResultNode)
export class RequestResultResolver {
  @ResolveField(() => DeletionRequestNode)
  async request(
    @Parent() { requestId }: RequestResultNode,
    @RequestContext() { loaders }: GraphqlContext,
  ): Promise<DeletionRequestNode> {
    return toRequestNode(present(await loaders.requests.load(requestId), 'deletion request'));
  }

  @ResolveField(() => VerificationNode)
  async verification(
    @Parent() { verificationId }: RequestResultNode,
    @RequestContext() { loaders }: GraphqlContext,
  ): Promise<VerificationNode> {
    return toVerificationNode(present(await loaders.verifications.load(verificationId), 'verification'));
  }
}
