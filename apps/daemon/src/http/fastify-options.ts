import { randomUUID } from 'node:crypto';
import type { FastifyReply, FastifyServerOptions } from 'fastify';
import { publicError } from './error-response.js';

/** A deletion request of 20,000 samples is about 2 MB of JSON; bulk files stream past this limit on their own route. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;
/** Longer than any upload of the largest file on a slow line; a connection that trickles bytes ends here. */
const REQUEST_TIMEOUT_MS = 30 * 60 * 1000;

export const fastifyOptions = {
  bodyLimit: MAX_BODY_BYTES,
  requestTimeout: REQUEST_TIMEOUT_MS,
  logger: false,
  genReqId: () => randomUUID(),
  /** A log origin with its slashes escaped is longer than find-my-way's default of 100. */
  routerOptions: { maxParamLength: 512 },
  forceCloseConnections: 'idle' as const,
  /** Addresses that are no addresses never reach a route or its error handler. */
  frameworkErrors: (error, request, reply) => {
    const { status, code, message } = publicError(error, request.id);
    (reply as FastifyReply).status(status).send({ error: { code, message, retryable: false, details: {} } });
  },
} satisfies FastifyServerOptions;
