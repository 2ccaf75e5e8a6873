import { Field, ID, ObjectType } from '@nestjs/graphql';
import type { ErasureReason } from '@app/persistence';
import type { Erasure } from '@app/registry';
import { ErasureReasonEnum } from '../enums.js';
import { BigIntScalar, DateTime } from '../scalars.js';

@ObjectType('Erasure', {
  description:
    'That subject, samples and signals of a deletion request were destroyed; its leaves and verdicts stay.',
})
export class ErasureNode {
  @Field(() => ID)
  id!: string;

  requestId!: string;

  @Field(() => ErasureReasonEnum)
  reason!: ErasureReason;

  @Field(() => String)
  erasedBy!: string;

  @Field(() => DateTime)
  at!: Date;

  @Field(() => BigIntScalar, { description: 'Leaf index in the event log.' })
  eventIndex!: bigint;
}

export const toErasureNode = ({ erasureId, erasedAt, ...rest }: Erasure): ErasureNode => ({
  ...rest,
  id: erasureId,
  at: erasedAt,
});
