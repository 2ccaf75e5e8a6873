import { Args, Parent, ResolveField, Resolver } from '@nestjs/graphql';
import { TimelineService } from '@app/verification';
import { type ConnectionOf, PageArgs, pageRequest, toConnection } from '../connection.js';
import { type GraphqlContext, RequestContext } from '../graphql-context.js';
import { present } from '../ids.js';
import { AttestationNode, toAttestationNode } from '../nodes/attestation.node.js';
import { DeletionRequestNode, toRequestNode } from '../nodes/deletion-request.node.js';
import { ModelNode } from '../nodes/model.node.js';
import { ReleaseNode, toReleaseNode } from '../nodes/release.node.js';
import {
  TimelineConnection,
  TimelineEntryNode,
  TimelineRequestConnection,
  TimelineRequestNode,
  toTimelineEntryNode,
  toTimelineRequestNode,
} from '../nodes/timeline.node.js';
import { toVerificationNode, VerificationNode } from '../nodes/verification.node.js';
import { ReadPersonal } from './read-roles.js';

@Resolver(() => ModelNode)
export class TimelineOfModelResolver {
  constructor(private readonly service: TimelineService) {}

  @ResolveField(() => TimelineConnection, {
    description: 'Release by release, in the order of registration.',
  })
  async timeline(
    @Parent() { id }: ModelNode,
    @Args() page: PageArgs,
  ): Promise<ConnectionOf<TimelineEntryNode>> {
    return toConnection(await this.service.list(id, pageRequest(page)), toTimelineEntryNode);
  }
}

@Resolver(() => TimelineEntryNode)
export class TimelineEntryResolver {
  constructor(private readonly service: TimelineService) {}

  @ResolveField(() => ReleaseNode)
  async release(
    @Parent() { releaseId }: TimelineEntryNode,
    @RequestContext() { loaders }: GraphqlContext,
  ): Promise<ReleaseNode> {
    return toReleaseNode(present(await loaders.releases.load(releaseId), 'release'));
  }

  @ResolveField(() => VerificationNode, {
    nullable: true,
    description: 'The newest that is concluded; its outcome has the counts of verdicts.',
  })
  async verification(
    @Parent() { verificationId }: TimelineEntryNode,
    @RequestContext() { loaders }: GraphqlContext,
  ): Promise<VerificationNode | null> {
    if (verificationId === null) return null;
    return toVerificationNode(present(await loaders.verifications.load(verificationId), 'verification'));
  }

  @ResolveField(() => AttestationNode, {
    nullable: true,
    description: 'The newest of the release; it may be of an older verification.',
  })
  async latestAttestation(
    @Parent() { latestAttestationOf }: TimelineEntryNode,
    @RequestContext() { loaders }: GraphqlContext,
  ): Promise<AttestationNode | null> {
    if (latestAttestationOf === null) return null;
    return toAttestationNode(present(await loaders.attestations.load(latestAttestationOf), 'attestation'));
  }

  @ResolveField(() => TimelineRequestConnection, {
    description: 'The verdict on each deletion request, by request id.',
  })
  @ReadPersonal()
  async requests(
    @Parent() entry: TimelineEntryNode,
    @Args() page: PageArgs,
  ): Promise<ConnectionOf<TimelineRequestNode>> {
    return toConnection(await this.service.requests(entry, pageRequest(page)), toTimelineRequestNode);
  }
}

/** Reached only through a field that reads personal data already. */
@Resolver(() => TimelineRequestNode)
export class TimelineRequestResolver {
  @ResolveField(() => DeletionRequestNode)
  async request(
    @Parent() { requestId }: TimelineRequestNode,
    @RequestContext() { loaders }: GraphqlContext,
  ): Promise<DeletionRequestNode> {
    return toRequestNode(present(await loaders.requests.load(requestId), 'deletion request'));
  }
}
