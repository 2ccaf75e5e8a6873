import { Field, ID, ObjectType } from '@nestjs/graphql';
import type { RecordedRecurrence } from '@app/verification';
import { connectionTypeOf } from '../connection.js';
import { BigIntScalar, DateTime } from '../scalars.js';

@ObjectType('Recurrence', {
  description:
    'A deletion request that was clean under one release and shows residual evidence under a later one, or under the same ' +
    'once what answers behind its endpoint has changed.',
})
export class RecurrenceNode {
  @Field(() => ID)
  id!: string;

  modelId!: string;
  requestId!: string;
  verificationId!: string;
  firstBadReleaseId!: string;
  lastCleanReleaseId!: string;

  @Field(() => [ID], {
    description:
      'Releases in between without a clear verdict, oldest first: the cause may lie in any of them.',
  })
  unclearReleases!: readonly string[];

  @Field(() => DateTime)
  detectedAt!: Date;

  @Field(() => BigIntScalar, { description: 'Leaf index in the event log.' })
  eventIndex!: bigint;
}

export const RecurrenceConnection = connectionTypeOf(RecurrenceNode, 'Recurrence');

export function toRecurrenceNode(recurrence: RecordedRecurrence): RecurrenceNode {
  const { recurrenceId, firstBadRelease, lastCleanRelease, ...rest } = recurrence;
  return {
    ...rest,
    id: recurrenceId,
    firstBadReleaseId: firstBadRelease,
    lastCleanReleaseId: lastCleanRelease,
  };
}
