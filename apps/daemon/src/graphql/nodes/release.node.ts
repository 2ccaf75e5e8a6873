import { Field, ID, Int, ObjectType } from '@nestjs/graphql';
import type { Release } from '@app/registry';
import { connectionTypeOf } from '../connection.js';
import { BigIntScalar, DateTime } from '../scalars.js';

@ObjectType('Release', { description: 'One immutable version of a model; registering it has it verified.' })
export class ReleaseNode {
  @Field(() => ID)
  id!: string;

  modelId!: string;

  @Field(() => Int, { description: '0 for the model’s first.' })
  ordinal!: number;

  @Field(() => String)
  name!: string;

  @Field(() => String, { description: 'SHA-256, hexadecimal.' })
  artifactDigest!: string;

  @Field(() => String, { description: 'How its signals come about.' })
  runtime!: string;

  @Field(() => BigIntScalar, {
    description: 'Commitments before it: every verification covers at least these.',
  })
  committedBefore!: bigint;

  @Field(() => DateTime)
  registeredAt!: Date;

  @Field(() => BigIntScalar, { description: 'Its leaf in the event log.' })
  eventIndex!: bigint;
}

export const ReleaseConnection = connectionTypeOf(ReleaseNode, 'Release');

export const toReleaseNode = (release: Release): ReleaseNode => ({ ...release, id: release.releaseId });
