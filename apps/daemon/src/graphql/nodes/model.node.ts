import { Field, ID, ObjectType } from '@nestjs/graphql';
import type { SignalKind } from '@app/inference';
import type { Model } from '@app/registry';
import { connectionTypeOf } from '../connection.js';
import { SignalKindEnum } from '../enums.js';
import { BigIntScalar, DateTime } from '../scalars.js';

@ObjectType('Model', { description: 'A lineage of releases; everything else belongs to one.' })
export class ModelNode {
  @Field(() => ID)
  id!: string;

  @Field(() => String)
  name!: string;

  @Field(() => SignalKindEnum)
  signalKind!: SignalKind;

  @Field(() => DateTime)
  registeredAt!: Date;

  @Field(() => BigIntScalar, { description: 'Its leaf in the event log.' })
  eventIndex!: bigint;
}

export const ModelConnection = connectionTypeOf(ModelNode, 'Model');

export const toModelNode = (model: Model): ModelNode => ({ ...model, id: model.modelId });
