import { Field, ID, ObjectType } from '@nestjs/graphql';
import type { Reference, ReferenceRole } from '@app/registry';
import { connectionTypeOf } from '../connection.js';
import { ReferenceRoleEnum } from '../enums.js';
import { BigIntScalar, DateTime } from '../scalars.js';

@ObjectType('Reference', { description: 'A model that releases are compared with.' })
export class ReferenceNode {
  @Field(() => ID)
  id!: string;

  modelId!: string;

  @Field(() => ReferenceRoleEnum)
  role!: ReferenceRole;

  @Field(() => String)
  name!: string;

  @Field(() => String, { description: 'SHA-256, hexadecimal.' })
  artifactDigest!: string;

  @Field(() => String, { description: 'How its signals come about.' })
  runtime!: string;

  @Field(() => DateTime)
  registeredAt!: Date;

  @Field(() => BigIntScalar, { description: 'Its leaf in the event log.' })
  eventIndex!: bigint;
}

export const ReferenceConnection = connectionTypeOf(ReferenceNode, 'Reference');

export const toReferenceNode = (reference: Reference): ReferenceNode => ({
  ...reference,
  id: reference.referenceId,
});
