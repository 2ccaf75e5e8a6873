/**
 * How much a query asks for: one for each field, multiplied by the page size of every list around it. Asked after
 * validation and with the variables at hand, since page sizes may come as variables. Proven by query-limits.spec.ts.
 */
import type { DocumentNode, GraphQLSchema } from 'graphql';
import { type ComplexityEstimator, getComplexity } from 'graphql-query-complexity';
import { DaemonError } from '../errors.js';
import { DEFAULT_PAGE } from './connection.js';

/** More selections than this are refused without adding them up. */
const MAX_NODES = 10_000;

const byPageSize: ComplexityEstimator = ({ field, args, childComplexity }) => {
  const isConnection = field.args.some((argument) => argument.name === 'first');
  if (!isConnection) return 1 + childComplexity;
  const first: unknown = args['first'];
  return 1 + childComplexity * (typeof first === 'number' && first > 0 ? first : DEFAULT_PAGE);
};

export interface ComplexityQuestion {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly variables: Readonly<Record<string, unknown>> | undefined;
  readonly limit: number;
}

/** @throws DaemonError `GRAPHQL_TOO_COMPLEX` */
export function checkComplexity({ schema, document, variables, limit }: ComplexityQuestion): void {
  const complexity = getComplexity({
    schema,
    query: document,
    estimators: [byPageSize],
    variables: variables ?? {},
    maxQueryNodes: MAX_NODES,
  });
  if (complexity <= limit) return;
  throw new DaemonError(
    'GRAPHQL_TOO_COMPLEX',
    `the query asks for about ${complexity} fields; ${limit} are allowed. Ask for smaller pages`,
    { details: { complexity, limit } },
  );
}
