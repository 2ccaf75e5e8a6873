import { Field, ID, Int, ObjectType } from '@nestjs/graphql';
import type { AttachedRecording } from '@app/registry';
import { BigIntScalar } from '../scalars.js';

@ObjectType('AttachedRecording', {
  description: 'One uploaded file among the signals of a release or reference.',
})
export class AttachedRecordingNode {
  @Field(() => ID)
  recordingId!: string;

  @Field(() => Int, { description: '0 came with the registration; later parts add samples.' })
  part!: number;

  @Field(() => BigIntScalar, { description: 'Its leaf in the event log.' })
  eventIndex!: bigint;
}

export const toRecordingNode = (attached: AttachedRecording): AttachedRecordingNode => attached;
