import { Field, ID, ObjectType } from '@nestjs/graphql';
import type { VerificationResult } from '@app/persistence';
import { type Verification } from '@app/verification';
import { VerificationResultEnum } from '../enums.js';
import { ProgressNode, toProgressNode } from './verification.node.js';

/** Nothing behind it is read again: what else there is to know is asked for with a query. */
@ObjectType({ description: 'How far a verification has come at this moment.' })
export class VerificationProgressEvent {
  @Field(() => ID)
  verificationId!: string;

  @Field(() => ProgressNode)
  progress!: ProgressNode;

  @Field(() => VerificationResultEnum, { nullable: true, description: 'Null until it is concluded.' })
  result!: VerificationResult | null;
}

export const toProgressEvent = ({
  verificationId,
  progress,
  result,
}: Verification): VerificationProgressEvent => ({
  verificationId,
  progress: toProgressNode(progress),
  result,
});
