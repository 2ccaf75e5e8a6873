import { Field, Float, Int, ObjectType } from '@nestjs/graphql';
import type { ResultLeaf } from '@app/attestation';
import type { RequestResult } from '@app/verification';
import { connectionTypeOf } from '../connection.js';
import { VerdictEnum } from '../enums.js';
import { BigIntScalar } from '../scalars.js';

const MILLION = 1_000_000;

@ObjectType('RequestResult', { description: 'The verdict on one deletion request under one verification.' })
export class RequestResultNode {
  verificationId!: string;
  requestId!: string;

  @Field(() => VerdictEnum)
  verdict!: string;

  @Field(() => Int, { description: 'Scored samples.' })
  sampleCount!: number;

  @Field(() => Float, {
    nullable: true,
    description: 'Mean completeness of the scored samples: 1 = as if never trained on, 0 = as a member.',
  })
  statistic!: number | null;

  @Field(() => Float, { nullable: true, description: 'Small: evidence of a residual.' })
  pResidual!: number | null;

  @Field(() => Float, { nullable: true, description: 'Small: evidence of no longer being a member.' })
  pMember!: number | null;

  @Field(() => Float, { nullable: true, description: 'Small: evidence of having been unlearned too far.' })
  pOver!: number | null;
}

@ObjectType('LeafResult', { description: 'The result of one commitment: leaf i of the result tree.' })
export class LeafResultNode {
  @Field(() => BigIntScalar)
  index!: bigint;

  @Field(() => String, { description: 'Leaf hash of the commitment, hexadecimal.' })
  leafHash!: string;

  @Field(() => VerdictEnum)
  verdict!: string;

  @Field(() => Float, {
    nullable: true,
    description: 'Completeness: 1 = as if never trained on, 0 = as a member.',
  })
  score!: number | null;

  @Field(() => Float, { nullable: true })
  pResidual!: number | null;

  @Field(() => Float, { nullable: true })
  pMember!: number | null;
}

export const RequestResultConnection = connectionTypeOf(RequestResultNode, 'RequestResult');
export const LeafResultConnection = connectionTypeOf(LeafResultNode, 'LeafResult');

export const toRequestResultNode = (result: RequestResult): RequestResultNode => result;

export const toLeafResultNode = (leaf: ResultLeaf): LeafResultNode => ({
  index: leaf.index,
  leafHash: Buffer.from(leaf.leafHash).toString('hex'),
  verdict: leaf.verdict,
  score: fraction(leaf.score),
  pResidual: fraction(leaf.pResidual),
  pMember: fraction(leaf.pMember),
});

const fraction = (millionths: number | null): number | null =>
  millionths === null ? null : millionths / MILLION;
