import { Args, ID, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { ResultService, type RequestVerdict, VerificationService } from '@app/verification';
import { type ConnectionOf, PageArgs, pageRequest, toConnection } from '../connection.js';
import { VerdictEnum } from '../enums.js';
import { type GraphqlContext, RequestContext } from '../graphql-context.js';
import { present, requireId } from '../ids.js';
import { AttestationNode, toAttestationNode } from '../nodes/attestation.node.js';
import { ModelNode, toModelNode } from '../nodes/model.node.js';
import { OutcomeNode, toOutcomeNode } from '../nodes/outcome.node.js';
import { ProfileNode, toProfileNode } from '../nodes/profile.node.js';
import { ReleaseNode, toReleaseNode } from '../nodes/release.node.js';
import {
  LeafResultConnection,
  type LeafResultNode,
  RequestResultConnection,
  type RequestResultNode,
  toLeafResultNode,
  toRequestResultNode,
} from '../nodes/result.node.js';
import {
  toVerificationNode,
  VerificationConnection,
  VerificationNode,
  VerificationTicket,
} from '../nodes/verification.node.js';
import { ReadByAll, ReadPersonal } from './read-roles.js';

@Resolver(() => VerificationNode)
export class VerificationResolver {
  constructor(
    private readonly service: VerificationService,
    private readonly resultService: ResultService,
  ) {}

  @Query(() => VerificationNode, { nullable: true })
  @ReadByAll()
  async verification(@Args('id', { type: () => ID }) id: string): Promise<VerificationNode> {
    return toVerificationNode(await this.service.get(requireId(id, 'verification')));
  }

  @Query(() => VerificationConnection, { description: 'Newest first; of a model, of a release, or all.' })
  @ReadByAll()
  async verifications(
    @Args('modelId', { type: () => ID, nullable: true }) modelId: string | null,
    @Args('releaseId', { type: () => ID, nullable: true }) releaseId: string | null,
    @Args() page: PageArgs,
  ): Promise<ConnectionOf<VerificationNode>> {
    const filter = {
      modelId: modelId ? requireId(modelId, 'model') : undefined,
      releaseId: releaseId ? requireId(releaseId, 'release') : undefined,
    };
    return toConnection(await this.service.list(filter, pageRequest(page)), toVerificationNode);
  }

  @ResolveField(() => ModelNode)
  async model(
    @Parent() { modelId }: VerificationNode,
    @RequestContext() { loaders }: GraphqlContext,
  ): Promise<ModelNode> {
    return toModelNode(present(await loaders.models.load(modelId), 'model'));
  }

  @ResolveField(() => ReleaseNode)
  async release(
    @Parent() { releaseId }: VerificationNode,
    @RequestContext() { loaders }: GraphqlContext,
  ): Promise<ReleaseNode> {
    return toReleaseNode(present(await loaders.releases.load(releaseId), 'release'));
  }

  @ResolveField(() => ProfileNode)
  async profile(
    @Parent() { profileId }: VerificationNode,
    @RequestContext() { loaders }: GraphqlContext,
  ): Promise<ProfileNode> {
    return toProfileNode(present(await loaders.profiles.load(profileId), 'profile'));
  }

  @ResolveField(() => OutcomeNode, { nullable: true, description: 'Null until it is concluded.' })
  async outcome(@Parent() { id }: VerificationNode): Promise<OutcomeNode | null> {
    const outcome = await this.resultService.outcome(id);
    return outcome && toOutcomeNode(outcome);
  }

  @ResolveField(() => AttestationNode, { nullable: true, description: 'Null until it is attested.' })
  async attestation(
    @Parent() { id }: VerificationNode,
    @RequestContext() { loaders }: GraphqlContext,
  ): Promise<AttestationNode | null> {
    const attestation = await loaders.attestations.load(id);
    return attestation ? toAttestationNode(attestation) : null;
  }

  @ResolveField(() => RequestResultConnection, { description: 'The verdict on each deletion request.' })
  @ReadPersonal()
  async requestResults(
    @Parent() { id }: VerificationNode,
    @Args('verdict', { type: () => VerdictEnum, nullable: true }) verdict: RequestVerdict | null,
    @Args() page: PageArgs,
  ): Promise<ConnectionOf<RequestResultNode>> {
    const filter = { verdict: verdict ?? undefined };
    return toConnection(
      await this.resultService.requestResults(id, filter, pageRequest(page)),
      toRequestResultNode,
    );
  }

  @ResolveField(() => LeafResultConnection, {
    description:
      'The result of each commitment in leaf order; /v1/attestations/<id>/results streams all of them.',
  })
  @ReadPersonal()
  async results(
    @Parent() { id }: VerificationNode,
    @Args() page: PageArgs,
  ): Promise<ConnectionOf<LeafResultNode>> {
    return toConnection(await this.resultService.leafResults(id, pageRequest(page)), toLeafResultNode);
  }
}

@Resolver(() => VerificationTicket)
export class VerificationTicketResolver {
  @ResolveField(() => VerificationNode, {
    nullable: true,
    description: 'Null until it is planned, which is after the drift check where there is one.',
  })
  async verification(
    @Parent() { verificationId }: VerificationTicket,
    @RequestContext() { loaders }: GraphqlContext,
  ): Promise<VerificationNode | null> {
    const verification = await loaders.verifications.load(verificationId);
    return verification ? toVerificationNode(verification) : null;
  }
}
