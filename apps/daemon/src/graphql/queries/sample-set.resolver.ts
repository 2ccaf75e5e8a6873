import { Args, ID, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { SampleSetService } from '@app/registry';
import { type ConnectionOf, PageArgs, pageRequest, toConnection } from '../connection.js';
import { DaemonError } from '../../errors.js';
import { type GraphqlContext, RequestContext } from '../graphql-context.js';
import { present } from '../ids.js';
import { ModelNode, toModelNode } from '../nodes/model.node.js';
import {
  SampleIdConnection,
  SampleSetConnection,
  SampleSetNode,
  toSampleSetNode,
} from '../nodes/sample-set.node.js';
import { ReadByAll, ReadPersonal } from './read-roles.js';

@Resolver(() => SampleSetNode)
export class SampleSetResolver {
  constructor(private readonly service: SampleSetService) {}

  @Query(() => SampleSetNode, { nullable: true })
  @ReadByAll()
  async sampleSet(@Args('id', { type: () => ID }) id: string): Promise<SampleSetNode> {
    return toSampleSetNode(await this.service.get(id));
  }

  @Query(() => SampleSetConnection, { description: 'In the order of registration; of one model, or of all.' })
  @ReadByAll()
  async sampleSets(
    @Args('modelId', { type: () => ID, nullable: true }) modelId: string | null,
    @Args() page: PageArgs,
  ): Promise<ConnectionOf<SampleSetNode>> {
    return toConnection(await this.service.list(modelId ?? null, pageRequest(page)), toSampleSetNode);
  }

  @ResolveField(() => ModelNode)
  async model(
    @Parent() { modelId }: SampleSetNode,
    @RequestContext() { loaders }: GraphqlContext,
  ): Promise<ModelNode> {
    return toModelNode(present(await loaders.models.load(modelId), 'model'));
  }

  @ResolveField(() => SampleIdConnection, { description: 'By code point.' })
  @ReadPersonal()
  async sampleIds(
    @Parent() { id, size }: SampleSetNode,
    @Args() page: PageArgs,
  ): Promise<ConnectionOf<string>> {
    const { first, after } = pageRequest(page);
    const from = after === undefined ? 0 : positionOf(after) + 1;
    const members = await this.service.membersOf(id, from, first);
    const items = members.map((sampleId, offset) => ({ sampleId, position: from + offset }));
    return toConnection(
      {
        items,
        hasNextPage: from + items.length < size,
        cursorOf: ({ position }) => Buffer.from(`sample:${position}`).toString('base64url'),
      },
      ({ sampleId }) => sampleId,
    );
  }
}

/** A set never changes, so the position is a stable cursor. */
function positionOf(cursor: string): number {
  const [, position] = /^sample:(\d{1,9})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (position !== undefined) return Number(position);
  throw new DaemonError('GRAPHQL_INPUT_INVALID', 'after is not a cursor of this list', {
    details: { argument: 'after' },
  });
}
