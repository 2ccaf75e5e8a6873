/** What happens to every HTTP request before and after its handler: who calls, how long it took, one log line. */
import type { AccessPolicy } from '@app/access';
import type { Logger } from '@app/logging';
import type { FastifyInstance } from 'fastify';
import { accessOf } from '../auth/access-of.js';
import type { Metrics } from '../operations/metrics.js';
import './request-access.js';

export interface HttpHookOptions {
  readonly policy: AccessPolicy;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: () => Date;
}

export function addHttpHooks(instance: FastifyInstance, options: HttpHookOptions): void {
  const { policy, logger, metrics, clock } = options;
  instance.decorateRequest('access');
  instance.addHook('onRequest', async (request, reply) => {
    request.access = await accessOf(policy, request.headers.authorization, clock());
    void reply.header('x-content-type-options', 'nosniff').header('x-correlation-id', request.id);
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

function callerOf(access: import('../auth/access-of.js').Access | undefined): string {
  return access && 'principal' in access ? access.principal.subject : 'nobody';
}
