import { randomUUID } from 'node:crypto';
import type { FastifyServerOptions } from 'fastify';

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
} satisfies FastifyServerOptions;
