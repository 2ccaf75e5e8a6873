import { Args, ID, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { AttestationService } from '@app/verification';
import { type ConnectionOf, PageArgs, pageRequest, toConnection } from '../connection.js';
import { type GraphqlContext, RequestContext } from '../graphql-context.js';
import { present, requireId } from '../ids.js';
import { AttestationConnection, AttestationNode, toAttestationNode } from '../nodes/attestation.node.js';
import { ModelNode, toModelNode } from '../nodes/model.node.js';
import { toVerificationNode, VerificationNode } from '../nodes/verification.node.js';
import { ReadByAll } from './read-roles.js';

@Resolver(() => AttestationNode)
export class AttestationResolver {
  constructor(private readonly service: AttestationService) {}

  @Query(() => AttestationNode, { nullable: true })
  @ReadByAll()
  async attestation(@Args('id', { type: () => ID }) id: string): Promise<AttestationNode> {
    return toAttestationNode(await this.service.get(requireId(id, 'attestation')));
  }

  @Query(() => AttestationConnection, { description: 'In order of issue; of one model, or of all.' })
  @ReadByAll()
  async attestations(
    @Args('modelId', { type: () => ID, nullable: true }) modelId: string | null,
    @Args() page: PageArgs,
  ): Promise<ConnectionOf<AttestationNode>> {
    const filter = { modelId: modelId ? requireId(modelId, 'model') : undefined };
    return toConnection(await this.service.list(filter, pageRequest(page)), toAttestationNode);
  }

  @ResolveField(() => ModelNode)
  async model(
    @Parent() { modelId }: AttestationNode,
    @RequestContext() { loaders }: GraphqlContext,
  ): Promise<ModelNode> {
    return toModelNode(present(await loaders.models.load(modelId), 'model'));
  }

  @ResolveField(() => VerificationNode)
  async verification(
    @Parent() { verificationId }: AttestationNode,
    @RequestContext() { loaders }: GraphqlContext,
  ): Promise<VerificationNode> {
    return toVerificationNode(present(await loaders.verifications.load(verificationId), 'verification'));
  }

  @ResolveField(() => String, { description: 'That the event log holds it: a c2sp.org/tlog-proof@v1 file.' })
  tlogProof(@Parent() { eventIndex }: AttestationNode): Promise<string> {
    return this.service.tlogProof({ eventIndex });
  }
}
