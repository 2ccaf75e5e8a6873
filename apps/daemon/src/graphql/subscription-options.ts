/**
 * Subscriptions over graphql-transport-ws: who is calling, and the same limits that queries have, which the engine does
 * not put on subscriptions by itself. Proven by test/medium/daemon-progress.spec.ts.
 */
import type { FastifyRequest } from 'fastify';
import { type DocumentNode, GraphQLError, type GraphQLSchema, validate } from 'graphql';
import type { Access } from '../auth/access-of.js';

/** One per subscription. */
export interface SubscriptionContext {
  access: Access;
  readonly correlationId: string;
  readonly accessWith: (authorization: string) => Promise<Access>;
  /** The payload of `connection_init`. */
  readonly _connectionInit?: unknown;
}

/** Subscriptions do not carry queries: those have HTTP. */
export const SUBSCRIPTIONS = {
  fullWsTransport: false,
  context: (_socket: unknown, request: FastifyRequest): SubscriptionContext => ({
    access: request.access,
    correlationId: request.id,
    accessWith: (authorization) => request.server.accessWith(authorization),
  }),
};

/**
 * A browser cannot set headers of a WebSocket: the token may also come as `authorization` in the payload of
 * `connection_init`. It is verified anew for each subscription.
 */
export async function admit(context: SubscriptionContext): Promise<void> {
  const payload = (context._connectionInit ?? {}) as Readonly<Record<string, unknown>>;
  const authorization = payload['authorization'] ?? payload['Authorization'];
  if (typeof authorization === 'string') context.access = await context.accessWith(authorization);
}

/** @throws GraphQLError the first thing that is wrong with a subscription's document */
export function requireValid(schema: GraphQLSchema, document: DocumentNode): void {
  const [first] = validate(schema, document);
  if (first) throw new GraphQLError(first.message, { extensions: { code: 'GRAPHQL_INVALID' } });
}
