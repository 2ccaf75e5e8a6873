import { Field, Float, ID, Int, ObjectType } from '@nestjs/graphql';
import { type GroupTest, type ListedProfile, type ProfileWarning, profileWarnings } from '@app/verification';
import { connectionTypeOf } from '../connection.js';
import { GroupTestEnum } from '../enums.js';
import { BigIntScalar, DateTime } from '../scalars.js';

@ObjectType({ description: 'How verdicts are decided.' })
export class DecisionSettingsNode {
  @Field(() => Float, { description: 'Operating false-positive rate at which power is measured.' })
  alpha!: number;

  @Field(() => Float, { description: 'Benjamini-Hochberg level over requests.' })
  q!: number;

  @Field(() => Float, { description: 'Least measured power per request of a release that passes.' })
  powerFloor!: number;

  @Field(() => Int, { description: 'Draws of the permutation test.' })
  resamples!: number;

  @Field(() => GroupTestEnum, { description: 'How requests are compared.' })
  groupTest!: GroupTest;
}

@ObjectType({ description: 'How signals become completeness scores.' })
export class MeasurementNode {
  @Field(() => String)
  mode!: string;

  @Field(() => String)
  likelihood!: string;

  @Field(() => Int)
  levels!: number;

  @Field(() => Float)
  epsilon1!: number;

  @Field(() => Float)
  epsilon2!: number;
}

@ObjectType('Profile', {
  description: 'A frozen measurement profile: everything that turns signals into verdicts.',
})
export class ProfileNode {
  @Field(() => ID)
  id!: string;

  modelId!: string;

  @Field(() => Int, { description: '0 for the model’s first; the highest is used.' })
  ordinal!: number;

  @Field(() => String, { description: 'SHA-256 of the text, hexadecimal.' })
  digest!: string;

  @Field(() => String, { description: 'The whole profile as canonical JSON (RFC 8785).' })
  text!: string;

  @Field(() => MeasurementNode)
  measurement!: MeasurementNode;

  @Field(() => DecisionSettingsNode)
  decision!: DecisionSettingsNode;

  @Field(() => [String], {
    description:
      'What has to be said of it before anything is measured with it: CALIBRATION_UNKNOWN_TO_ORIGINAL, REFERENCE_BEHIND_ENDPOINT.',
  })
  warnings!: ProfileWarning[];

  @Field(() => DateTime)
  frozenAt!: Date;

  @Field(() => BigIntScalar, { description: 'Its leaf in the event log.' })
  eventIndex!: bigint;
}

export const ProfileConnection = connectionTypeOf(ProfileNode, 'Profile');

export const toProfileNode = (profile: ListedProfile): ProfileNode => ({
  ...profile,
  id: profile.profileId,
  warnings: profileWarnings(profile.document),
  measurement: profile.document.measurement,
  decision: {
    ...profile.document.decision,
    groupTest: profile.document.decision.groupTest ?? 'single-samples',
  },
});
