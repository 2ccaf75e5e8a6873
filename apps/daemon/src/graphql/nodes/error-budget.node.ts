import { Field, Float, Int, ObjectType } from '@nestjs/graphql';

@ObjectType('ErrorBudget', {
  description:
    "What the release's p-value was held to among the releases of its model, so that many sound releases do not make many alarms.",
})
export class ErrorBudgetNode {
  @Field(() => String)
  rule!: string;

  @Field(() => Float, { description: 'Largest expected share of false alarms in an epoch.' })
  target!: number;

  @Field(() => Int, { description: 'Releases in one epoch.' })
  horizon!: number;

  @Field(() => Int)
  epoch!: number;

  @Field(() => Int, { description: 'Of the release in its epoch, from 0.' })
  place!: number;

  @Field(() => Int)
  alarmsBefore!: number;

  @Field(() => Float, { description: 'That no request left a residue; of the first verification.' })
  pValue!: number;

  @Field(() => Float)
  level!: number;

  @Field(() => Boolean, { description: 'The p-value is at most the level.' })
  alarm!: boolean;

  @Field(() => Boolean, { description: 'False for later verifications of the same release.' })
  spentHere!: boolean;
}
