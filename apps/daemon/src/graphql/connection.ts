/** Relay connections over keyset pages: cursors name a row, so pages stay put while rows are added. */
import { type Type } from '@nestjs/common';
import { ArgsType, Field, Int, ObjectType } from '@nestjs/graphql';
import { DaemonError } from '../errors.js';

/** Page size when none is asked for; the complexity of a query counts it. */
export const DEFAULT_PAGE = 20;
/** Larger pages hold a connection and memory for too long; the REST edge streams whole result sets. */
export const MAX_PAGE = 500;

@ArgsType()
export class PageArgs {
  @Field(() => Int, {
    nullable: true,
    description: `Items on the page, 1 to ${MAX_PAGE}; ${DEFAULT_PAGE} if not given.`,
  })
  first?: number | null;

  @Field(() => String, { nullable: true, description: 'Cursor of the item that the page starts behind.' })
  after?: string | null;
}

/** @throws DaemonError `GRAPHQL_INPUT_INVALID` */
export function pageRequest({ first, after }: PageArgs): { first: number; after?: string } {
  const size = first ?? DEFAULT_PAGE;
  if (size < 1 || size > MAX_PAGE) {
    throw new DaemonError('GRAPHQL_INPUT_INVALID', `first must lie between 1 and ${MAX_PAGE}`, {
      details: { argument: 'first', limit: MAX_PAGE },
    });
  }
  return after ? { first: size, after } : { first: size };
}

@ObjectType()
export class PageInfo {
  @Field(() => Boolean)
  hasNextPage!: boolean;

  @Field(() => String, { nullable: true })
  endCursor!: string | null;
}

export interface EdgeOf<T> {
  readonly cursor: string;
  readonly node: T;
}

export interface ConnectionOf<T> {
  readonly edges: readonly EdgeOf<T>[];
  readonly nodes: readonly T[];
  readonly pageInfo: PageInfo;
}

/** The connection and edge types of `node`, named after it. */
export function connectionTypeOf<T>(node: Type<T>, name: string = node.name): Type<ConnectionOf<T>> {
  @ObjectType(`${name}Edge`)
  class Edge implements EdgeOf<T> {
    @Field(() => String)
    cursor!: string;

    @Field(() => node)
    node!: T;
  }
  @ObjectType(`${name}Connection`)
  class Connection implements ConnectionOf<T> {
    @Field(() => [Edge])
    edges!: Edge[];

    @Field(() => [node], { description: 'The nodes of the edges, for callers that need no cursors.' })
    nodes!: T[];

    @Field(() => PageInfo)
    pageInfo!: PageInfo;
  }
  return Connection;
}

interface Page<T> {
  readonly items: readonly T[];
  readonly hasNextPage: boolean;
  cursorOf(item: T): string;
}

/** A service's page as a connection, each item turned into its node. */
export function toConnection<T, N>(page: Page<T>, toNode: (item: T) => N): ConnectionOf<N> {
  const edges = page.items.map((item) => ({ cursor: page.cursorOf(item), node: toNode(item) }));
  return {
    edges,
    nodes: edges.map(({ node }) => node),
    pageInfo: { hasNextPage: page.hasNextPage, endCursor: edges.at(-1)?.cursor ?? null },
  };
}
