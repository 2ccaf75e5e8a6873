import { Field, Float, ID, Int, ObjectType } from '@nestjs/graphql';
import type { ExplainedRequest, Explanation } from '@app/verification';
import { VerdictEnum } from '../enums.js';
import { BigIntScalar } from '../scalars.js';
import { ErrorBudgetNode } from './error-budget.node.js';
import { RequestTestNode, toRequestTestNode } from './request-test.node.js';

@ObjectType({ description: 'Where the completeness scores of a comparison set lie.' })
export class ScoreRangeNode {
  @Field(() => Int)
  size!: number;

  @Field(() => Float)
  mean!: number;

  @Field(() => Float, { description: '5 % quantile.' })
  low!: number;

  @Field(() => Float, { description: '95 % quantile.' })
  high!: number;
}

@ObjectType({ description: 'One question put to the request, with its answer.' })
export class FindingNode {
  @Field(() => String, { description: 'NEVER_TRAINED_LOW, STILL_A_MEMBER or NEVER_TRAINED_HIGH.' })
  question!: string;

  @Field(() => Float)
  pValue!: number;

  @Field(() => Float, { description: 'The limit that this verification held it to.' })
  threshold!: number;

  @Field(() => Boolean, { description: 'The p-value is at most the limit: the hypothesis is rejected.' })
  crossed!: boolean;
}

@ObjectType({ description: 'One commitment of an explained request, in numbers.' })
export class ExplainedSampleNode {
  @Field(() => BigIntScalar)
  leafIndex!: bigint;

  @Field(() => VerdictEnum)
  verdict!: string;

  @Field(() => Float, {
    nullable: true,
    description: 'Completeness: 1 = as if never trained on, 0 = as a member.',
  })
  score!: number | null;

  @Field(() => Float, { nullable: true, description: 'Signal of the release.' })
  target!: number | null;

  @Field(() => Float, { nullable: true, description: 'Mean signal of the models never trained on it.' })
  out!: number | null;

  @Field(() => Float, { nullable: true, description: 'Signal of the model before unlearning.' })
  in!: number | null;

  @Field(() => Float, {
    nullable: true,
    description:
      'Where the release stands between out (0) and in (1); beyond both ends where it lies outside.',
  })
  level!: number | null;

  @Field(() => Float, { nullable: true })
  pResidual!: number | null;

  @Field(() => Float, { nullable: true })
  pMember!: number | null;
}

@ObjectType('RequestExplanation', {
  description: 'Why a deletion request has its verdict: numbers, words and a plot.',
})
export class ExplanationNode {
  @Field(() => ID)
  requestId!: string;

  verificationId!: string;

  @Field(() => VerdictEnum)
  verdict!: string;

  @Field(() => String, { description: 'The verdict in one sentence.' })
  headline!: string;

  @Field(() => [String], { description: 'The reasons, one thought a sentence, in reading order.' })
  sentences!: readonly string[];

  @Field(() => Float, { nullable: true, description: 'Mean completeness of the scored samples.' })
  statistic!: number | null;

  @Field(() => Float, { nullable: true, description: "Median of the samples' levels." })
  level!: number | null;

  @Field(() => [FindingNode])
  findings!: Explanation['findings'];

  @Field(() => RequestTestNode)
  requestTest!: RequestTestNode;

  @Field(() => ScoreRangeNode, { nullable: true, description: 'The calibration set.' })
  neverTrained!: Explanation['neverTrained'];

  @Field(() => ScoreRangeNode, { nullable: true, description: 'The controls.' })
  members!: Explanation['members'];

  @Field(() => [ExplainedSampleNode], { description: 'In leaf order, at most 500.' })
  samples!: ExplainedSampleNode[];

  @Field(() => Float, { description: 'Operating false-positive rate of the verification.' })
  operatingFalsePositiveRate!: number;

  @Field(() => ErrorBudgetNode, { nullable: true })
  errorBudget!: ErrorBudgetNode | null;

  @Field(() => String, { description: 'SVG document.' })
  plot!: string;
}

export function toExplanationNode(explained: ExplainedRequest): ExplanationNode {
  const { explanation, verification, requestId, alpha, errorBudget, plot } = explained;
  return {
    ...explanation,
    requestTest: toRequestTestNode(explanation.requestTest),
    requestId,
    verificationId: verification.verificationId,
    operatingFalsePositiveRate: alpha,
    errorBudget,
    plot,
    samples: explanation.samples.map(({ leafIndex, in_, ...sample }) => ({
      ...sample,
      leafIndex: BigInt(leafIndex),
      in: in_,
    })),
  };
}
