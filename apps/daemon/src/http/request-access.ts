import type { Access } from '../auth/access-of.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the hook in http-hooks.ts before any handler runs. */
    access: Access;
  }
}
