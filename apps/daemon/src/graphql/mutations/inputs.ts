/** What clients send. The libs check every value; GraphQL only gives the shape. */
import { Field, Float, ID, InputType, Int } from '@nestjs/graphql';
import type { SignalKind } from '@app/inference';
import type { ErasureReason, WithdrawalReason } from '@app/persistence';
import type { ReferenceRole } from '@app/registry';
import type { GroupTest } from '@app/verification';
import {
  ErasureReasonEnum,
  GroupTestEnum,
  ReferenceRoleEnum,
  SignalKindEnum,
  WithdrawalReasonEnum,
} from '../enums.js';
import { DateTime } from '../scalars.js';

/** Same key and content: the same answer. Same key, other content: LEDGER_IDEMPOTENCY_CONFLICT. */
@InputType({ isAbstract: true })
class IdempotentInput {
  @Field(() => String, {
    description: 'Chosen by the client for each thing it registers, 1 to 200 characters.',
  })
  idempotencyKey!: string;
}

@InputType()
export class RegisterModelInput extends IdempotentInput {
  @Field(() => String)
  name!: string;

  @Field(() => SignalKindEnum)
  signalKind!: SignalKind;
}

@InputType()
export class RegisterReferenceInput extends IdempotentInput {
  @Field(() => ID)
  modelId!: string;

  @Field(() => ReferenceRoleEnum)
  role!: ReferenceRole;

  @Field(() => String)
  name!: string;

  @Field(() => String, {
    nullable: true,
    description:
      'SHA-256, hexadecimal. Without recordingId: what POST /v1/artifacts returned, and is run here. With it: what the caller says the signals are of, nothing that is stored here; default the recording’s digest.',
  })
  artifactDigest?: string | null;

  @Field(() => ID, {
    nullable: true,
    description: 'Its signals, recorded elsewhere: what POST /v1/recordings returned.',
  })
  recordingId?: string | null;
}

@InputType()
export class AddReferenceSignalsInput extends IdempotentInput {
  @Field(() => ID)
  referenceId!: string;

  @Field(() => ID)
  recordingId!: string;
}

@InputType({ description: 'Samples that stick together: chunks of one document, photos of one person.' })
export class SampleClusterInput {
  @Field(() => String, { description: 'Unlike those of the other clusters; a pseudonym, nobody’s name.' })
  clusterId!: string;

  @Field(() => [String])
  sampleIds!: string[];
}

@InputType()
export class RegisterCalibrationSetInput extends IdempotentInput {
  @Field(() => ID)
  modelId!: string;

  @Field(() => String)
  name!: string;

  @Field(() => ID, { nullable: true, description: 'A recording that names the samples.' })
  recordingId?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'The trusted, never-trained release that the recording is of: freezes its values.',
  })
  trustedUnder?: string | null;

  @Field(() => [String], { nullable: true, description: 'The samples, where no recording names them.' })
  sampleIds?: string[] | null;

  @Field(() => [SampleClusterInput], {
    nullable: true,
    description: 'The samples by cluster, instead of sampleIds; with a recording, exactly its samples.',
  })
  clusters?: SampleClusterInput[] | null;
}

@InputType()
export class RegisterControlsInput extends IdempotentInput {
  @Field(() => ID)
  modelId!: string;

  @Field(() => String)
  name!: string;

  @Field(() => ID, {
    nullable: true,
    description: 'A recording that names the samples; its values do not count.',
  })
  recordingId?: string | null;

  @Field(() => [String], { nullable: true, description: 'The samples, where no recording names them.' })
  sampleIds?: string[] | null;

  @Field(() => [SampleClusterInput], {
    nullable: true,
    description: 'The samples by cluster, instead of sampleIds; with a recording, exactly its samples.',
  })
  clusters?: SampleClusterInput[] | null;
}

@InputType()
export class FreezeProfileInput extends IdempotentInput {
  @Field(() => ID)
  modelId!: string;

  @Field(() => ID)
  calibrationSetId!: string;

  @Field(() => ID)
  controlsSetId!: string;

  @Field(() => [ID], { nullable: true, description: 'All of the model’s shadows unless given.' })
  shadowReferenceIds?: string[] | null;

  @Field(() => String, { nullable: true, description: '`online` (default) or `offline`.' })
  mode?: string | null;

  @Field(() => Float, { nullable: true, description: 'Operating false-positive rate; 0.01 if not given.' })
  alpha?: number | null;

  @Field(() => Float, {
    nullable: true,
    description: 'Benjamini-Hochberg level over requests; 0.05 if not given.',
  })
  q?: number | null;

  @Field(() => Float, {
    nullable: true,
    description: 'Least power of a release that passes; 0.8 if not given.',
  })
  powerFloor?: number | null;

  @Field(() => Int, { nullable: true, description: 'Draws of the permutation test.' })
  resamples?: number | null;

  @Field(() => GroupTestEnum, {
    nullable: true,
    description:
      'WHOLE_CLUSTERS if the calibration set has clusters, else SINGLE_SAMPLES, if not given. ANY_DEPENDENCE where ' +
      'samples of a request may be related and no clusters like the requests can be had.',
  })
  groupTest?: GroupTest | null;

  @Field(() => Int, { nullable: true, description: 'Interpolation levels; by signal kind if not given.' })
  levels?: number | null;

  @Field(() => Float, { nullable: true })
  epsilon1?: number | null;

  @Field(() => Float, { nullable: true })
  epsilon2?: number | null;

  @Field(() => String, { nullable: true, description: '`gumbel` if not given.' })
  likelihood?: string | null;

  @Field(() => Float, {
    nullable: true,
    description: 'Offline: the IN signal; default from the original on the controls.',
  })
  offlineInSignal?: number | null;
}

@InputType()
export class SampleOfModelInput {
  @Field(() => ID)
  modelId!: string;

  @Field(() => String)
  sampleId!: string;
}

@InputType()
export class FileDeletionRequestInput extends IdempotentInput {
  @Field(() => String, { description: 'Pseudonym of the data subject.' })
  subject!: string;

  @Field(() => String, { description: 'GDPR, CCPA, or another law.' })
  regime!: string;

  @Field(() => DateTime)
  receivedAt!: Date;

  @Field(() => DateTime, { nullable: true, description: 'By the regime if not given.' })
  dueAt?: Date | null;

  @Field(() => [SampleOfModelInput])
  samples!: SampleOfModelInput[];
}

@InputType()
export class RegisterReleaseInput extends IdempotentInput {
  @Field(() => ID)
  modelId!: string;

  @Field(() => String)
  name!: string;

  @Field(() => String, {
    nullable: true,
    description:
      'SHA-256, hexadecimal. Without recordingId: what POST /v1/artifacts returned, and is run here. With it: what the caller says the signals are of, nothing that is stored here; default the recording’s digest.',
  })
  artifactDigest?: string | null;

  @Field(() => ID, {
    nullable: true,
    description: 'Its signals, recorded elsewhere: what POST /v1/recordings returned.',
  })
  recordingId?: string | null;
}

@InputType()
export class AddReleaseSignalsInput extends IdempotentInput {
  @Field(() => ID)
  releaseId!: string;

  @Field(() => ID)
  recordingId!: string;
}

@InputType()
export class EraseDeletionRequestInput extends IdempotentInput {
  @Field(() => ID)
  requestId!: string;

  @Field(() => ErasureReasonEnum)
  reason!: ErasureReason;
}

@InputType()
export class WithdrawReleaseInput extends IdempotentInput {
  @Field(() => ID)
  releaseId!: string;

  @Field(() => WithdrawalReasonEnum)
  reason!: WithdrawalReason;
}

@InputType()
export class SupersedeReleaseInput extends IdempotentInput {
  @Field(() => ID)
  releaseId!: string;

  @Field(() => ID, {
    description: 'The release that takes its place; itself neither withdrawn nor superseded.',
  })
  successorId!: string;
}
