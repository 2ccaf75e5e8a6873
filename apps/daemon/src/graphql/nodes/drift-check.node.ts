import { Field, Float, ID, Int, ObjectType } from '@nestjs/graphql';
import type { DriftOutcome } from '@app/persistence';
import type { RecordedDriftCheck } from '@app/verification';
import { connectionTypeOf } from '../connection.js';
import { DriftOutcomeEnum } from '../enums.js';
import { BigIntScalar, DateTime } from '../scalars.js';

@ObjectType('DriftCheck', {
  description:
    'An endpoint was asked again for known signals of a release, to see whether what answers there has changed.',
})
export class DriftCheckNode {
  @Field(() => ID)
  id!: string;

  @Field(() => DateTime, { description: 'When the schedule was due, or somebody asked for a verification.' })
  dueAt!: Date;

  @Field(() => DateTime)
  checkedAt!: Date;

  @Field(() => DriftOutcomeEnum)
  outcome!: DriftOutcome;

  @Field(() => Int, {
    description: 'The generation of the release’s signals that was compared; DIFFERENT ends it.',
  })
  generation!: number;

  @Field(() => Int, { description: 'Samples that went through the endpoint for it.' })
  sampled!: number;

  @Field(() => Int, { description: 'Of them, those whose signal differs or cannot be had any more.' })
  differing!: number;

  @Field(() => Float, {
    nullable: true,
    description: 'Of the log-odds of true class or average token; null where no signal came.',
  })
  largestDifference!: number | null;

  @Field(() => Float, { description: 'Up to which two signals are the same, on the same scale.' })
  tolerance!: number;

  @Field(() => String, {
    nullable: true,
    description: 'The most frequent reason for a signal that did not come; null where all came.',
  })
  errorCode!: string | null;

  @Field(() => String, { description: 'With which the sample was drawn, hexadecimal.' })
  seed!: string;

  @Field(() => BigIntScalar, { description: 'Its leaf in the event log.' })
  eventIndex!: bigint;
}

export const DriftCheckConnection = connectionTypeOf(DriftCheckNode, 'DriftCheck');

export const toDriftCheckNode = ({ checkId, ...check }: RecordedDriftCheck): DriftCheckNode => ({
  ...check,
  id: checkId,
});
