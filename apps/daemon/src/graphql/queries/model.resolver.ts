import { Args, ID, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { LedgerService } from '@app/ledger';
import {
  DeletionRequestService,
  ModelService,
  ReferenceService,
  ReleaseService,
  SampleSetService,
} from '@app/registry';
import { AttestationService, ProfileService, VerificationService } from '@app/verification';
import { type ConnectionOf, PageArgs, pageRequest, toConnection } from '../connection.js';
import { requireId } from '../ids.js';
import { AttestationConnection, AttestationNode, toAttestationNode } from '../nodes/attestation.node.js';
import {
  DeletionRequestConnection,
  type DeletionRequestNode,
  toRequestNode,
} from '../nodes/deletion-request.node.js';
import { LogNode } from '../nodes/log.node.js';
import { ModelConnection, ModelNode, toModelNode } from '../nodes/model.node.js';
import { ProfileConnection, ProfileNode, toProfileNode } from '../nodes/profile.node.js';
import { ReferenceConnection, type ReferenceNode, toReferenceNode } from '../nodes/reference.node.js';
import { ReleaseConnection, ReleaseNode, toReleaseNode } from '../nodes/release.node.js';
import { SampleSetConnection, type SampleSetNode, toSampleSetNode } from '../nodes/sample-set.node.js';
import {
  toVerificationNode,
  VerificationConnection,
  type VerificationNode,
} from '../nodes/verification.node.js';
import { ReadByAll, ReadPersonal } from './read-roles.js';

@Resolver(() => ModelNode)
export class ModelResolver {
  constructor(
    private readonly service: ModelService,
    private readonly referenceService: ReferenceService,
    private readonly setService: SampleSetService,
    private readonly profileService: ProfileService,
    private readonly releaseService: ReleaseService,
    private readonly requestService: DeletionRequestService,
    private readonly verificationService: VerificationService,
    private readonly attestationService: AttestationService,
    private readonly ledger: LedgerService,
  ) {}

  @Query(() => ModelNode, { nullable: true })
  @ReadByAll()
  async model(@Args('id', { type: () => ID }) id: string): Promise<ModelNode> {
    return toModelNode(await this.service.get(id));
  }

  @Query(() => ModelNode, { nullable: true, description: 'Null where no model has the name.' })
  @ReadByAll()
  async modelByName(@Args('name', { type: () => String }) name: string): Promise<ModelNode | null> {
    const model = await this.service.findByName(name);
    return model && toModelNode(model);
  }

  @Query(() => ModelConnection, { description: 'In the order of registration.' })
  @ReadByAll()
  async models(@Args() page: PageArgs): Promise<ConnectionOf<ModelNode>> {
    return toConnection(await this.service.list(pageRequest(page)), toModelNode);
  }

  @ResolveField(() => LogNode, { description: 'Where its commitments are.' })
  commitmentLog(@Parent() { id }: ModelNode): Promise<LogNode> {
    return this.ledger.commitmentLog(id);
  }

  @ResolveField(() => ReleaseNode, { nullable: true, description: 'The newest.' })
  async currentRelease(@Parent() { id }: ModelNode): Promise<ReleaseNode | null> {
    const release = await this.releaseService.currentRelease(id);
    return release && toReleaseNode(release);
  }

  @ResolveField(() => ProfileNode, { nullable: true, description: 'The one that new verifications use.' })
  async currentProfile(@Parent() { id }: ModelNode): Promise<ProfileNode | null> {
    const profile = await this.profileService.current(id);
    return profile && toProfileNode(profile);
  }

  @ResolveField(() => AttestationNode, { nullable: true, description: 'The newest.' })
  async latestAttestation(@Parent() { id }: ModelNode): Promise<AttestationNode | null> {
    const attestation = await this.attestationService.latest(id);
    return attestation && toAttestationNode(attestation);
  }

  @ResolveField(() => ReferenceConnection)
  async references(
    @Parent() { id }: ModelNode,
    @Args() page: PageArgs,
  ): Promise<ConnectionOf<ReferenceNode>> {
    return toConnection(await this.referenceService.list(id, pageRequest(page)), toReferenceNode);
  }

  @ResolveField(() => SampleSetConnection)
  async sampleSets(
    @Parent() { id }: ModelNode,
    @Args() page: PageArgs,
  ): Promise<ConnectionOf<SampleSetNode>> {
    return toConnection(await this.setService.list(id, pageRequest(page)), toSampleSetNode);
  }

  @ResolveField(() => ProfileConnection)
  async profiles(@Parent() { id }: ModelNode, @Args() page: PageArgs): Promise<ConnectionOf<ProfileNode>> {
    return toConnection(
      await this.profileService.list(requireId(id, 'model'), pageRequest(page)),
      toProfileNode,
    );
  }

  @ResolveField(() => ReleaseConnection)
  async releases(@Parent() { id }: ModelNode, @Args() page: PageArgs): Promise<ConnectionOf<ReleaseNode>> {
    return toConnection(await this.releaseService.list(id, pageRequest(page)), toReleaseNode);
  }

  @ResolveField(() => DeletionRequestConnection, { description: 'Those with a commitment for this model.' })
  @ReadPersonal()
  async deletionRequests(
    @Parent() { id }: ModelNode,
    @Args() page: PageArgs,
  ): Promise<ConnectionOf<DeletionRequestNode>> {
    return toConnection(await this.requestService.list({ modelId: id }, pageRequest(page)), toRequestNode);
  }

  @ResolveField(() => VerificationConnection, { description: 'Newest first.' })
  async verifications(
    @Parent() { id }: ModelNode,
    @Args() page: PageArgs,
  ): Promise<ConnectionOf<VerificationNode>> {
    return toConnection(
      await this.verificationService.list({ modelId: id }, pageRequest(page)),
      toVerificationNode,
    );
  }

  @ResolveField(() => AttestationConnection, { description: 'In order of issue.' })
  async attestations(
    @Parent() { id }: ModelNode,
    @Args() page: PageArgs,
  ): Promise<ConnectionOf<AttestationNode>> {
    return toConnection(
      await this.attestationService.list({ modelId: id }, pageRequest(page)),
      toAttestationNode,
    );
  }
}
