import { Field, ID, Int, ObjectType } from '@nestjs/graphql';
import type { SampleSet, SampleSetRole } from '@app/registry';
import { connectionTypeOf } from '../connection.js';
import { SampleSetRoleEnum } from '../enums.js';
import { BigIntScalar, DateTime } from '../scalars.js';

@ObjectType('SampleSet', { description: 'Samples of a known state: the calibration set or the controls.' })
export class SampleSetNode {
  @Field(() => ID)
  id!: string;

  modelId!: string;

  @Field(() => SampleSetRoleEnum)
  role!: SampleSetRole;

  @Field(() => String)
  name!: string;

  @Field(() => Int, { description: 'Samples in it.' })
  size!: number;

  @Field(() => Int, {
    nullable: true,
    description: 'Clusters of samples that stick together; null: registered without.',
  })
  clusterCount!: number | null;

  @Field(() => String, { description: 'SHA-256 over the sample ids (and their clusters), hexadecimal.' })
  digest!: string;

  @Field(() => ID, { nullable: true, description: 'Its frozen signals; null: scored under each release.' })
  recordingId!: string | null;

  @Field(() => String, { nullable: true, description: 'The trusted release that the frozen signals are of.' })
  trustedUnder!: string | null;

  @Field(() => DateTime)
  registeredAt!: Date;

  @Field(() => BigIntScalar, { description: 'Its leaf in the event log.' })
  eventIndex!: bigint;
}

export const SampleSetConnection = connectionTypeOf(SampleSetNode, 'SampleSet');
/** Members by position. */
export const SampleIdConnection = connectionTypeOf<string>(String as never, 'SampleId');

export const toSampleSetNode = (set: SampleSet): SampleSetNode => ({ ...set, id: set.sampleSetId });
