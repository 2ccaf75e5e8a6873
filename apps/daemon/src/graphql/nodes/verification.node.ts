import { Field, Float, ID, Int, ObjectType } from '@nestjs/graphql';
import type { VerificationCause, VerificationResult, VerificationStatus } from '@app/persistence';
import { progressRate, type Verification } from '@app/verification';
import { connectionTypeOf } from '../connection.js';
import { VerificationCauseEnum, VerificationResultEnum, VerificationStatusEnum } from '../enums.js';
import { BigIntScalar, DateTime } from '../scalars.js';

@ObjectType('VerificationProgress', {
  description: 'How far a verification has come, in blocks of 4,096 samples.',
})
export class ProgressNode {
  @Field(() => VerificationStatusEnum)
  status!: VerificationStatus;

  @Field(() => Int)
  blocksTotal!: number;

  @Field(() => Int)
  blocksDone!: number;

  @Field(() => Int, { description: 'Computed by an earlier verification already.' })
  blocksReused!: number;

  @Field(() => BigIntScalar, { description: 'Commitments, controls and calibration samples to score.' })
  samplesTotal!: bigint;

  @Field(() => BigIntScalar)
  samplesDone!: bigint;

  @Field(() => Float, { nullable: true, description: 'Since it was planned; null while none is scored.' })
  samplesPerSecond!: number | null;

  @Field(() => Float, { nullable: true, description: 'Until every sample is scored; null while unknown.' })
  secondsLeft!: number | null;

  @Field(() => BigIntScalar, { description: 'Recorded signals that were read.' })
  signalsRead!: bigint;

  @Field(() => BigIntScalar, { description: 'Signals of live models that were known before.' })
  signalsReused!: bigint;

  @Field(() => BigIntScalar, { description: 'Samples that went through live models.' })
  forwardPasses!: bigint;

  @Field(() => BigIntScalar, { description: 'Of them, through the release.' })
  targetPasses!: bigint;

  @Field(() => BigIntScalar, { description: 'Of them, through references.' })
  referencePasses!: bigint;

  @Field(() => String, { nullable: true, description: 'Why it failed, as a code.' })
  errorCode!: string | null;

  @Field(() => String, { nullable: true })
  errorMessage!: string | null;

  @Field(() => DateTime, { nullable: true })
  startedAt!: Date | null;

  @Field(() => DateTime, { nullable: true })
  finishedAt!: Date | null;
}

@ObjectType('Verification', { description: 'One release checked against the first treeSize commitments.' })
export class VerificationNode {
  @Field(() => ID)
  id!: string;

  modelId!: string;
  releaseId!: string;
  profileId!: string;

  @Field(() => BigIntScalar, { description: 'Commitments covered: all of them when it was planned.' })
  treeSize!: bigint;

  @Field(() => Int, {
    description:
      'Which generation of the release’s signals it stands on: above 0 where what answers behind its endpoint has changed.',
  })
  generation!: number;

  @Field(() => VerificationCauseEnum)
  cause!: VerificationCause;

  @Field(() => DateTime)
  requestedAt!: Date;

  @Field(() => ProgressNode)
  progress!: ProgressNode;

  @Field(() => VerificationResultEnum, { nullable: true, description: 'Null until it is concluded.' })
  result!: VerificationResult | null;
}

@ObjectType({ description: 'A verification that was asked for; it exists once it is planned.' })
export class VerificationTicket {
  @Field(() => ID)
  verificationId!: string;

  @Field(() => DateTime, {
    nullable: true,
    description:
      'Due time of the drift check that comes first, as in driftChecks of the release; where that is UNREACHABLE nothing is verified. Null where no endpoint answers for the release.',
  })
  driftCheckDueAt!: Date | null;
}

export const VerificationConnection = connectionTypeOf(VerificationNode, 'Verification');

export const toProgressNode = (progress: Verification['progress']): ProgressNode => ({
  ...progress,
  ...progressRate(progress, new Date()),
});

export const toVerificationNode = (verification: Verification): VerificationNode => ({
  ...verification,
  id: verification.verificationId,
  progress: toProgressNode(verification.progress),
});
