import { Args, Mutation, Resolver } from '@nestjs/graphql';
import {
  DeletionRequestService,
  ModelService,
  ReferenceService,
  ReleaseService,
  SampleSetService,
} from '@app/registry';
import { Roles } from '../../auth/roles.decorator.js';
import { type GraphqlContext, principalOf, RequestContext } from '../graphql-context.js';
import { DeletionRequestNode, toRequestNode } from '../nodes/deletion-request.node.js';
import { ModelNode, toModelNode } from '../nodes/model.node.js';
import { ReferenceNode, toReferenceNode } from '../nodes/reference.node.js';
import { ReleaseNode, toReleaseNode } from '../nodes/release.node.js';
import { SampleSetNode, toSampleSetNode } from '../nodes/sample-set.node.js';
import {
  AddReferenceSignalsInput,
  AddReleaseSignalsInput,
  FileDeletionRequestInput,
  RegisterCalibrationSetInput,
  RegisterControlsInput,
  RegisterModelInput,
  RegisterReferenceInput,
  RegisterReleaseInput,
} from './inputs.js';

const actor = (context: GraphqlContext): string => principalOf(context).subject;

/** Input objects have no prototype of their own; the registry takes plain ones only. */
const plainClusters = ({ clusters }: RegisterControlsInput) =>
  clusters ? { clusters: clusters.map((cluster) => ({ ...cluster })) } : {};

/** What platforms write. Each is acknowledged when it is durable, with its leaf index. */
@Resolver()
export class RegistrationResolver {
  constructor(
    private readonly models: ModelService,
    private readonly references: ReferenceService,
    private readonly sampleSets: SampleSetService,
    private readonly requests: DeletionRequestService,
    private readonly releases: ReleaseService,
  ) {}

  @Mutation(() => ModelNode)
  @Roles('platform')
  async registerModel(
    @Args('input') input: RegisterModelInput,
    @RequestContext() context: GraphqlContext,
  ): Promise<ModelNode> {
    return toModelNode(await this.models.register({ ...input }, actor(context)));
  }

  @Mutation(() => ReferenceNode)
  @Roles('platform')
  async registerReference(
    @Args('input') input: RegisterReferenceInput,
    @RequestContext() context: GraphqlContext,
  ): Promise<ReferenceNode> {
    return toReferenceNode(await this.references.register({ ...input }, actor(context)));
  }

  @Mutation(() => ReferenceNode, { description: 'Signals of samples that came later.' })
  @Roles('platform')
  async addReferenceSignals(
    @Args('input') input: AddReferenceSignalsInput,
    @RequestContext() context: GraphqlContext,
  ): Promise<ReferenceNode> {
    await this.references.addRecording({ ...input }, actor(context));
    return toReferenceNode(await this.references.get(input.referenceId));
  }

  @Mutation(() => SampleSetNode)
  @Roles('platform')
  async registerCalibrationSet(
    @Args('input') input: RegisterCalibrationSetInput,
    @RequestContext() context: GraphqlContext,
  ): Promise<SampleSetNode> {
    const set = { ...input, ...plainClusters(input), role: 'calibration' } as const;
    return toSampleSetNode(await this.sampleSets.register(set, actor(context)));
  }

  @Mutation(() => SampleSetNode)
  @Roles('platform')
  async registerControls(
    @Args('input') input: RegisterControlsInput,
    @RequestContext() context: GraphqlContext,
  ): Promise<SampleSetNode> {
    const set = { ...input, ...plainClusters(input), role: 'controls' } as const;
    return toSampleSetNode(await this.sampleSets.register(set, actor(context)));
  }

  @Mutation(() => DeletionRequestNode, {
    description: 'Each sample becomes a commitment for every later release.',
  })
  @Roles('platform')
  async fileDeletionRequest(
    @Args('input') input: FileDeletionRequestInput,
    @RequestContext() context: GraphqlContext,
  ): Promise<DeletionRequestNode> {
    const samples = input.samples.map(({ modelId, sampleId }) => ({ modelId, sampleId }));
    return toRequestNode(await this.requests.file({ ...input, samples }, actor(context)));
  }

  @Mutation(() => ReleaseNode, { description: 'The release is verified because it is registered.' })
  @Roles('platform')
  async registerRelease(
    @Args('input') input: RegisterReleaseInput,
    @RequestContext() context: GraphqlContext,
  ): Promise<ReleaseNode> {
    return toReleaseNode(await this.releases.register({ ...input }, actor(context)));
  }

  @Mutation(() => ReleaseNode, {
    description: 'Signals of samples that came later; the release is verified again.',
  })
  @Roles('platform')
  async addReleaseSignals(
    @Args('input') input: AddReleaseSignalsInput,
    @RequestContext() context: GraphqlContext,
  ): Promise<ReleaseNode> {
    await this.releases.addRecording({ ...input }, actor(context));
    return toReleaseNode(await this.releases.get(input.releaseId));
  }
}
