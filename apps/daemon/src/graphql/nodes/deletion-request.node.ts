import { Field, ID, Int, ObjectType } from '@nestjs/graphql';
import type { Commitment, DeletionRequest } from '@app/registry';
import { connectionTypeOf } from '../connection.js';
import { BigIntScalar, DateTime } from '../scalars.js';

@ObjectType('DeletionRequest', {
  description: 'What a data subject asked for; each sample of it is a commitment.',
})
export class DeletionRequestNode {
  @Field(() => ID)
  id!: string;

  @Field(() => String, {
    nullable: true,
    description: 'Pseudonym of the data subject; null once the request is erased.',
  })
  subject!: string | null;

  @Field(() => String)
  regime!: string;

  @Field(() => DateTime)
  receivedAt!: Date;

  @Field(() => DateTime)
  dueAt!: Date;

  @Field(() => String)
  filedBy!: string;

  @Field(() => DateTime)
  filedAt!: Date;

  @Field(() => Int, { description: 'Commitments made by it.' })
  sampleCount!: number;
}

@ObjectType('Commitment', { description: 'A promise for every later release: one leaf of a commitment log.' })
export class CommitmentNode {
  modelId!: string;
  requestId!: string;

  @Field(() => String, { nullable: true, description: 'Null once the request is erased.' })
  sampleId!: string | null;

  @Field(() => BigIntScalar)
  leafIndex!: bigint;

  @Field(() => Int, { description: '1 for the request’s first commitment in this model’s log.' })
  position!: number;
}

export const DeletionRequestConnection = connectionTypeOf(DeletionRequestNode, 'DeletionRequest');
export const CommitmentConnection = connectionTypeOf(CommitmentNode, 'Commitment');

export const toRequestNode = (request: DeletionRequest): DeletionRequestNode => ({
  ...request,
  id: request.requestId,
});
export const toCommitmentNode = (commitment: Commitment): CommitmentNode => commitment;
