import { Args, Parent, ResolveField, Resolver } from '@nestjs/graphql';
import type { DriftOutcome } from '@app/persistence';
import { DriftCheckService } from '@app/verification';
import { type ConnectionOf, PageArgs, pageRequest, toConnection } from '../connection.js';
import { DriftOutcomeEnum } from '../enums.js';
import { DriftCheckConnection, DriftCheckNode, toDriftCheckNode } from '../nodes/drift-check.node.js';
import { ReleaseNode } from '../nodes/release.node.js';

@Resolver(() => ReleaseNode)
export class DriftChecksOfReleaseResolver {
  constructor(private readonly service: DriftCheckService) {}

  @ResolveField(() => DriftCheckConnection, {
    description: 'Newest first; empty for a release that does not run behind an endpoint.',
  })
  async driftChecks(
    @Parent() { id }: ReleaseNode,
    @Args('outcome', { type: () => DriftOutcomeEnum, nullable: true }) outcome: DriftOutcome | null,
    @Args() page: PageArgs,
  ): Promise<ConnectionOf<DriftCheckNode>> {
    const filter = { releaseId: id, outcome: outcome ?? undefined };
    return toConnection(await this.service.list(filter, pageRequest(page)), toDriftCheckNode);
  }
}
