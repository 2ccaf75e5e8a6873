import { Field, ObjectType } from '@nestjs/graphql';
import type { WithdrawalReason } from '@app/persistence';
import type { Supersession, Withdrawal } from '@app/registry';
import { WithdrawalReasonEnum } from '../enums.js';
import { BigIntScalar, DateTime } from '../scalars.js';

@ObjectType('Withdrawal', { description: 'That a release is not in use any more. Said once and for good.' })
export class WithdrawalNode {
  @Field(() => WithdrawalReasonEnum)
  reason!: WithdrawalReason;

  @Field(() => String)
  withdrawnBy!: string;

  @Field(() => DateTime)
  at!: Date;

  @Field(() => BigIntScalar, { description: 'Leaf index in the event log.' })
  eventIndex!: bigint;
}

@ObjectType('Supersession', {
  description: 'That another release of the model took a release’s place. Said once and for good.',
})
export class SupersessionNode {
  successorId!: string;

  @Field(() => String, { description: 'Who said so.' })
  supersededBy!: string;

  @Field(() => DateTime)
  at!: Date;

  @Field(() => BigIntScalar, { description: 'Leaf index in the event log.' })
  eventIndex!: bigint;
}

export const toWithdrawalNode = ({ withdrawnAt, ...rest }: Withdrawal): WithdrawalNode => ({
  ...rest,
  at: withdrawnAt,
});

export const toSupersessionNode = ({ supersededAt, ...rest }: Supersession): SupersessionNode => ({
  ...rest,
  at: supersededAt,
});
