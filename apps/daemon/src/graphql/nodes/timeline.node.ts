import { Field, Float, Int, ObjectType } from '@nestjs/graphql';
import type { TimelineEntry, TimelineRequest } from '@app/verification';
import { connectionTypeOf } from '../connection.js';
import { VerdictEnum } from '../enums.js';
import { DateTime } from '../scalars.js';

@ObjectType('TimelineEntry', { description: 'One release in the history of its model.' })
export class TimelineEntryNode {
  releaseId!: string;
  verificationId!: string | null;
  latestAttestationOf!: string | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When its newest verification was concluded; null before the first.',
  })
  verifiedAt!: Date | null;

  @Field(() => DateTime, { nullable: true, description: 'When its first attestation was issued.' })
  attestedAt!: Date | null;

  @Field(() => Int, { description: 'Attestations of the release so far.' })
  attestationCount!: number;

  @Field(() => Int, { description: 'Of them, those that renewed one that was about to expire.' })
  renewalCount!: number;
}

@ObjectType('TimelineRequest', { description: 'The verdict on one deletion request under one release.' })
export class TimelineRequestNode {
  requestId!: string;

  @Field(() => VerdictEnum)
  verdict!: string;

  @Field(() => Float, {
    nullable: true,
    description: 'Mean completeness of the scored samples: 1 = as if never trained on, 0 = as a member.',
  })
  statistic!: number | null;

  @Field(() => Boolean, {
    description:
      'True where it is residual again, for the first time after a release under which it was clean.',
  })
  recurred!: boolean;
}

export const TimelineConnection = connectionTypeOf(TimelineEntryNode, 'Timeline');
export const TimelineRequestConnection = connectionTypeOf(TimelineRequestNode, 'TimelineRequest');

export const toTimelineEntryNode = ({ attestations, ...entry }: TimelineEntry): TimelineEntryNode => ({
  ...entry,
  attestedAt: attestations.firstIssuedAt,
  attestationCount: attestations.count,
  renewalCount: attestations.renewals,
  latestAttestationOf: attestations.latestOf,
});

export const toTimelineRequestNode = (request: TimelineRequest): TimelineRequestNode => request;
