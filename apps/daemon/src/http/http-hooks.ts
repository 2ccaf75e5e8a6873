/** What happens to every HTTP request before and after its handler: who calls, how long it took, one log line. */
import type { AccessPolicy } from '@app/access';
import type { Logger } from '@app/logging';
import type { FastifyInstance } from 'fastify';
import { type Access, accessOf } from '../auth/access-of.js';
import type { Metrics } from '../operations/metrics.js';
import { answerError } from './coded-error.filter.js';
import { GRAPHQL_PATH } from '../graphql/graphql-path.js';
import './request-access.js';

export interface HttpHookOptions {
  readonly policy: AccessPolicy;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: () => Date;
  /** True once the daemon is told to stop. */
  readonly isStopping: () => boolean;
}

export function addHttpHooks(instance: FastifyInstance, options: HttpHookOptions): void {
  const { policy, logger, metrics, clock, isStopping } = options;
  // What Fastify refuses before Nest sees it: content types, malformed and oversized bodies. GraphQL has its own form.
  instance.addHook('onRoute', (route) => {
    if (route.url === GRAPHQL_PATH) return;
    route.errorHandler = (error, request, reply) => answerError(logger, error, request, reply);
  });
  instance.decorateRequest('access');
  instance.decorate('accessWith', (authorization: string) => accessOf(policy, authorization, clock()));
  instance.addHook('onRequest', async (request, reply) => {
    request.access = await accessOf(policy, request.headers.authorization, clock());
    void reply.header('x-content-type-options', 'nosniff').header('x-correlation-id', request.id);
  });
  instance.addHook('onSend', (_request, reply, _payload, done) => {
    // A kept connection that is busy when the stop begins would hold the stop up for its whole keep-alive time.
    if (isStopping()) void reply.header('connection', 'close');
    done();
  });
  instance.addHook('onResponse', (request, reply, done) => {
    // The route's pattern, never the address: an address may hold what must not be logged, and has no bound.
    const route = request.routeOptions.url ?? 'unknown';
    const facts = { method: request.method, route, status: reply.statusCode };
    metrics.httpSeconds.observe(
      { method: facts.method, route, status: String(facts.status) },
      reply.elapsedTime / 1000,
    );
    const quiet = route === '/healthz' || route === '/readyz' || route === '/metrics';
    logger[quiet ? 'debug' : 'info'](
      {
        ...facts,
        ms: Math.round(reply.elapsedTime),
        caller: callerOf(request.access),
        correlationId: request.id,
      },
      'request',
    );
    done();
  });
}

function callerOf(access: Access | undefined): string {
  return access && 'principal' in access ? access.principal.subject : 'nobody';
}
