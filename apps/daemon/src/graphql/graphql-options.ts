/** The GraphQL engine's settings: what a query may be, who is calling, how errors look. */
import type { MercuriusDriverConfig } from '@nestjs/mercurius';
import type { Config } from '@app/config';
import type { Logger } from '@app/logging';
import type { FastifyRequest } from 'fastify';
import { type DocumentNode, type ExecutionResult, type GraphQLSchema, Kind } from 'graphql';
import type { Metrics } from '../operations/metrics.js';
import { formatErrors } from './error-formatter.js';
import { GRAPHQL_PATH } from './graphql-path.js';
import { guardFields } from './field-access.js';
import type { GraphqlContext } from './graphql-context.js';
import { Loaders, type LoaderServices } from './loaders.js';
import { checkComplexity } from './query-complexity.js';
import { checkDepth } from './query-depth.js';
import { admit, requireValid, type SubscriptionContext, SUBSCRIPTIONS } from './subscription-options.js';
import { checkSource, MAX_TOKENS } from './source-limits.js';

export interface GraphqlOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly services: LoaderServices;
}

type Engine = Omit<MercuriusDriverConfig, 'driver'>;

export function graphqlOptions({ config, logger, metrics, services }: GraphqlOptions): Engine {
  return {
    autoSchemaFile: true,
    sortSchema: true,
    transformSchema: guardFields,
    path: GRAPHQL_PATH,
    ide: false,
    graphiql: false,
    allowBatchedQueries: false,
    subscription: SUBSCRIPTIONS,
    context: (request: FastifyRequest): GraphqlContext => ({
      access: request.access,
      correlationId: request.id,
      loaders: new Loaders(services),
    }),
    errorFormatter: (execution: ExecutionResult, context: unknown) =>
      formatErrors(execution, (context as Partial<GraphqlContext>).correlationId ?? 'unknown', {
        logger,
        metrics,
      }),
    graphql: { parseOptions: { maxTokens: MAX_TOKENS } },
    hooks: {
      preParsing: (_schema: GraphQLSchema, source: string) => {
        checkSource(source);
      },
      preValidation: (_schema: GraphQLSchema, document: DocumentNode) => {
        checkDepth(document, config.LACUNA_GRAPHQL_MAX_DEPTH);
      },
      preExecution: (
        schema: GraphQLSchema,
        document: DocumentNode,
        _context: unknown,
        variables: Record<string, unknown>,
      ) => {
        const limit = config.LACUNA_GRAPHQL_MAX_COMPLEXITY;
        checkComplexity({ schema, document, variables, limit });
        metrics.graphqlOperations.inc({ kind: kindOf(document) });
      },
      preSubscriptionParsing: (_schema: GraphQLSchema, source: string, context: unknown) => {
        checkSource(source);
        return admit(context as SubscriptionContext);
      },
      preSubscriptionExecution: (schema: GraphQLSchema, document: DocumentNode) => {
        requireValid(schema, document);
        checkDepth(document, config.LACUNA_GRAPHQL_MAX_DEPTH);
        metrics.graphqlOperations.inc({ kind: kindOf(document) });
      },
    },
  };
}

function kindOf(document: DocumentNode): string {
  const operation = document.definitions.find((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  return operation?.operation ?? 'none';
}
