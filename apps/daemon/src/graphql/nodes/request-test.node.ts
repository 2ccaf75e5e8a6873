import { Field, Int, ObjectType } from '@nestjs/graphql';
import type { DescribedTest, GroupTest } from '@app/verification';
import { GroupTestEnum } from '../enums.js';

@ObjectType('RequestTest', { description: 'What the p-values of deletion requests stand on.' })
export class RequestTestNode {
  @Field(() => GroupTestEnum)
  groupTest!: GroupTest;

  @Field(() => String, { description: 'The exchangeability assumption, in words.' })
  assumption!: string;

  @Field(() => Int, {
    nullable: true,
    description:
      'Clusters of calibration samples; null where there are none or single samples were compared.',
  })
  calibrationClusters!: number | null;

  @Field(() => Int, { nullable: true, description: 'Clusters of controls; null as calibrationClusters.' })
  controlClusters!: number | null;
}

export const toRequestTestNode = ({ groupTest, assumption, clusters }: DescribedTest): RequestTestNode => ({
  groupTest,
  assumption,
  calibrationClusters: clusters?.calibration ?? null,
  controlClusters: clusters?.controls ?? null,
});
