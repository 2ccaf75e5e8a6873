/**
 * GraphQL errors as callers see them: `extensions` holds code, retryable and details; what is not meant for callers
 * becomes INTERNAL with a correlation id. Proven by error-formatter.spec.ts.
 */
import { type ExecutionResult, GraphQLError } from 'graphql';
import type { Logger } from '@app/logging';
import { type PublicError, publicError } from '../http/error-response.js';
import type { Metrics } from '../operations/metrics.js';

interface Answer {
  readonly statusCode: number;
  readonly response: ExecutionResult;
}

export interface ErrorFormatterOptions {
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export function formatErrors(
  execution: ExecutionResult,
  correlationId: string,
  { logger, metrics }: ErrorFormatterOptions,
): Answer {
  const found = (execution.errors ?? []).flatMap(flatten).map((error) => {
    const known = classify(error, correlationId);
    metrics.graphqlErrors.inc({ code: known.code });
    if (known.internal) {
      logger.error({ err: error.originalError ?? error, correlationId, path: error.path }, 'a field failed');
    }
    return { error, known };
  });
  return {
    statusCode: statusOf(
      execution,
      found.map(({ known }) => known),
    ),
    response: { data: execution.data ?? null, errors: found.map(({ error, known }) => shown(error, known)) },
  };
}

/** mercurius hands all validation errors over in one. */
function flatten(error: GraphQLError): GraphQLError[] {
  const inner = (error.originalError as { errors?: unknown } | undefined)?.errors;
  if (!Array.isArray(inner)) return [error];
  return inner.map((one) =>
    one instanceof GraphQLError
      ? one
      : new GraphQLError('the request is malformed', { originalError: one as Error }),
  );
}

function classify(error: GraphQLError, correlationId: string): PublicError {
  const original = error.originalError;
  // Without an original it is graphql-js that speaks: syntax, validation, coercion of variables.
  if (!original || original instanceof GraphQLError) {
    return { ...INVALID, message: error.message };
  }
  return publicError(original, correlationId);
}

const INVALID = { status: 400, code: 'GRAPHQL_INVALID', retryable: false, details: {}, internal: false };

function shown(error: GraphQLError, { code, message, retryable, details }: PublicError): GraphQLError {
  const { nodes, source, positions, path } = error;
  return new GraphQLError(message, {
    nodes: nodes ?? null,
    source: source ?? null,
    positions: positions ?? null,
    path: path ?? null,
    extensions: { code, retryable, details },
  }).toJSON() as GraphQLError;
}

/**
 * 200 for anything executed, as GraphQL over HTTP has it; the status of the error when nothing was: the request was
 * refused before execution, or every root field was refused to this caller.
 */
function statusOf({ data }: ExecutionResult, errors: readonly PublicError[]): number {
  if (data && Object.values(data).some((value) => value !== null)) return 200;
  const [first] = errors;
  if (!first) return 200;
  const executed = data !== undefined && data !== null;
  const refused = errors.every(({ status }) => status === 401 || status === 403);
  if (refused) return first.status;
  return executed ? 200 : first.status;
}
