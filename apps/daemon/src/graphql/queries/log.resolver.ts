import { Args, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { LedgerService } from '@app/ledger';
import { DaemonError } from '../../errors.js';
import { type ConnectionOf, PageArgs, pageRequest, toConnection } from '../connection.js';
import {
  CheckpointNode,
  ConsistencyProofNode,
  EventConnection,
  EventNode,
  hex,
  InclusionProofNode,
  LogNode,
  toCheckpointNode,
} from '../nodes/log.node.js';
import { BigIntScalar } from '../scalars.js';
import { ReadByAll } from './read-roles.js';

/** The logs and their proofs. The same for any C2SP client is under /logs/<origin>/. */
@Resolver(() => LogNode)
export class LogResolver {
  constructor(private readonly ledger: LedgerService) {}

  @Query(() => [LogNode], { description: 'In the order they were made; the event log is the first.' })
  @ReadByAll()
  logs(): Promise<LogNode[]> {
    return this.ledger.logs();
  }

  @Query(() => LogNode, { nullable: true })
  @ReadByAll()
  async log(@Args('origin', { type: () => String }) origin: string): Promise<LogNode> {
    const log = (await this.ledger.logs()).find((one) => one.origin === origin);
    if (log) return log;
    throw new DaemonError('NOT_FOUND', 'there is no log of this origin', { details: { entity: 'log' } });
  }

  @Query(() => EventNode, { nullable: true })
  @ReadByAll()
  async event(@Args('index', { type: () => BigIntScalar }) index: bigint): Promise<EventNode> {
    return this.eventNode(index);
  }

  @Query(() => EventConnection, { description: 'In the order of the event log.' })
  @ReadByAll()
  async events(@Args() page: PageArgs): Promise<ConnectionOf<EventNode>> {
    const { first, after } = pageRequest(page);
    const from = after === undefined ? 0n : indexOf(after) + 1n;
    const end = await this.ledger.nextIndex((await this.ledger.eventLog()).logId);
    const count = Number(end - from < BigInt(first) ? end - from : BigInt(first));
    const indexes = Array.from({ length: Math.max(0, count) }, (_, offset) => from + BigInt(offset));
    const items = await Promise.all(indexes.map((index) => this.eventNode(index)));
    return toConnection(
      {
        items,
        hasNextPage: from + BigInt(items.length) < end,
        cursorOf: ({ leafIndex }) => Buffer.from(`event:${leafIndex}`).toString('base64url'),
      },
      (event) => event,
    );
  }

  @ResolveField(() => BigIntScalar, { description: 'Acknowledged entries.' })
  size(@Parent() { logId }: LogNode): Promise<bigint> {
    return this.ledger.nextIndex(logId);
  }

  @ResolveField(() => CheckpointNode, {
    nullable: true,
    description: 'The latest, or the one of exactly that size.',
  })
  async checkpoint(
    @Parent() log: LogNode,
    @Args('treeSize', { type: () => BigIntScalar, nullable: true }) treeSize: bigint | null,
  ): Promise<CheckpointNode | null> {
    const checkpoint = await this.ledger.checkpoint(log as LogRow, treeSize ?? undefined);
    return checkpoint && toCheckpointNode(checkpoint);
  }

  @ResolveField(() => InclusionProofNode, {
    description: 'In the latest checkpoint’s tree unless a size is given.',
  })
  async inclusionProof(
    @Parent() log: LogNode,
    @Args('leafIndex', { type: () => BigIntScalar }) leafIndex: bigint,
    @Args('treeSize', { type: () => BigIntScalar, nullable: true }) treeSize: bigint | null,
  ): Promise<InclusionProofNode> {
    const checkpoint = await this.ledger.checkpoint(log as LogRow, treeSize ?? undefined);
    const size = treeSize ?? checkpoint?.treeSize ?? 0n;
    const hashes = await this.ledger.proveInclusion(log.logId, leafIndex, size);
    return {
      leafIndex,
      treeSize: size,
      hashes: hashes.map(hex),
      checkpoint: checkpoint && toCheckpointNode(checkpoint),
    };
  }

  @ResolveField(() => ConsistencyProofNode)
  async consistencyProof(
    @Parent() { logId }: LogNode,
    @Args('fromSize', { type: () => BigIntScalar }) fromSize: bigint,
    @Args('toSize', { type: () => BigIntScalar }) toSize: bigint,
  ): Promise<ConsistencyProofNode> {
    const hashes = await this.ledger.proveConsistency(logId, fromSize, toSize);
    return { fromSize, toSize, hashes: hashes.map(hex) };
  }

  private async eventNode(index: bigint): Promise<EventNode> {
    const { leafIndex, type, subjectId, content, salt } = await this.ledger.event(index);
    return { leafIndex, type, subjectId, content, salt: hex(salt) };
  }
}

type LogRow = Awaited<ReturnType<LedgerService['eventLog']>>;

function indexOf(cursor: string): bigint {
  const [, index] = /^event:(\d{1,18})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (index !== undefined) return BigInt(index);
  throw new DaemonError('GRAPHQL_INPUT_INVALID', 'after is not a cursor of this list', {
    details: { argument: 'after' },
  });
}
