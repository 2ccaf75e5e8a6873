import { Field, Float, Int, ObjectType } from '@nestjs/graphql';
import { VERDICTS } from '@app/attestation';
import type { VerificationResult } from '@app/persistence';
import { describeTest, type Outcome, type VerificationSummary } from '@app/verification';
import { VerdictEnum, VerificationResultEnum } from '../enums.js';
import { DateTime } from '../scalars.js';
import { ErrorBudgetNode } from './error-budget.node.js';
import { RequestTestNode, toRequestTestNode } from './request-test.node.js';

@ObjectType({ description: 'How many requests, or samples, have one verdict.' })
export class VerdictCount {
  @Field(() => VerdictEnum)
  verdict!: string;

  @Field(() => Int)
  count!: number;
}

@ObjectType({ description: 'A measured rate with its Clopper-Pearson interval.' })
export class MeasuredRateNode {
  @Field(() => Float)
  rate!: number;

  @Field(() => Float)
  low!: number;

  @Field(() => Float)
  high!: number;

  @Field(() => Int)
  trials!: number;
}

@ObjectType({ description: 'How often the test finds what is there: measured on the controls.' })
export class PowerNode {
  @Field(() => MeasuredRateNode)
  perRequest!: MeasuredRateNode;

  @Field(() => MeasuredRateNode)
  perSample!: MeasuredRateNode;

  @Field(() => Int, { description: 'Controls put together as one request.' })
  groupSize!: number;

  @Field(() => Float)
  confidence!: number;
}

@ObjectType({ description: 'What the verification cost.' })
export class WorkNode {
  @Field(() => Int)
  blocks!: number;

  @Field(() => Int)
  blocksReused!: number;

  @Field(() => Int)
  signalsRead!: number;

  @Field(() => Int, { description: 'Samples that went through live models.' })
  forwardPasses!: number;

  @Field(() => Int, { description: 'Of them, through the release.' })
  targetPasses!: number;

  @Field(() => Int, { description: 'Of them, through references.' })
  referencePasses!: number;

  @Field(() => Int, { description: 'Signals of live models that were known before.' })
  signalsReused!: number;

  @Field(() => Float)
  seconds!: number;
}

@ObjectType({ description: 'Committed samples without a signal of live models, by reason.' })
export class UnscorableReasonNode {
  @Field(() => String, { description: 'release or reference.' })
  role!: string;

  @Field(() => String, { description: 'Error code, for example RUNTIME_TIMEOUT.' })
  code!: string;

  @Field(() => Int)
  samples!: number;
}

@ObjectType('Drift', {
  description: 'Calibration set against commitments under the models that saw neither.',
})
export class DriftNode {
  @Field(() => Float, { description: 'Kolmogorov-Smirnov distance, 0 to 1.' })
  distance!: number;

  @Field(() => Float)
  pValue!: number;

  @Field(() => Float, { description: 'Difference of the means in standard deviations.' })
  shift!: number;
}

@ObjectType('VerificationOutcome', {
  description: 'What a verification concluded, in the figures that are attested.',
})
export class OutcomeNode {
  @Field(() => VerificationResultEnum)
  result!: VerificationResult;

  @Field(() => String, { description: 'Root of the result tree, hexadecimal.' })
  resultRoot!: string;

  @Field(() => DateTime)
  concludedAt!: Date;

  @Field(() => [String], { description: 'Why it did not pass; empty exactly for PASSED.' })
  reasons!: string[];

  @Field(() => [String])
  warnings!: string[];

  @Field(() => [VerdictCount])
  requestCounts!: VerdictCount[];

  @Field(() => [VerdictCount])
  sampleCounts!: VerdictCount[];

  @Field(() => PowerNode, {
    nullable: true,
    description: 'Null: no control could be scored, the power is unknown.',
  })
  power!: PowerNode | null;

  @Field(() => Float)
  operatingFalsePositiveRate!: number;

  @Field(() => Float, {
    nullable: true,
    description: 'Controls against commitments under the frozen profile.',
  })
  auc!: number | null;

  @Field(() => Int)
  calibrationSize!: number;

  @Field(() => Int)
  controlsSize!: number;

  @Field(() => RequestTestNode)
  requestTest!: RequestTestNode;

  @Field(() => ErrorBudgetNode, {
    nullable: true,
    description: 'Null while no request of the release could be tested.',
  })
  errorBudget!: ErrorBudgetNode | null;

  @Field(() => DriftNode, { nullable: true, description: 'Null without commitments.' })
  drift!: DriftNode | null;

  @Field(() => [UnscorableReasonNode], { description: 'Why samples have no score under live models.' })
  unscorable!: UnscorableReasonNode[];

  @Field(() => WorkNode)
  work!: WorkNode;
}

export function toOutcomeNode({ result, resultRoot, concludedAt, summary }: Outcome): OutcomeNode {
  const { reasons, warnings, counts, power, operatingFalsePositiveRate, auc, calibration, controls, work } =
    summary;
  return {
    result,
    resultRoot: Buffer.from(resultRoot).toString('hex'),
    concludedAt,
    reasons: [...reasons],
    warnings: [...warnings],
    requestCounts: countsOf(counts.requests),
    sampleCounts: countsOf(counts.samples),
    power: power && { ...power, groupSize: power.perRequest.groupSize },
    operatingFalsePositiveRate,
    auc,
    calibrationSize: calibration.size,
    controlsSize: controls.size,
    requestTest: toRequestTestNode(describeTest(summary.requestTest)),
    errorBudget: summary.errorBudget,
    drift: summary.drift,
    unscorable: [...(summary.unscorable ?? [])],
    work: { targetPasses: 0, referencePasses: 0, signalsReused: 0, ...work },
  };
}

function countsOf(counts: VerificationSummary['counts']['requests']): VerdictCount[] {
  return VERDICTS.map((verdict) => ({ verdict, count: counts[verdict] }));
}
