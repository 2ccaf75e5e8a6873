import type { Access } from '../auth/access-of.js';

declare module 'fastify' {
  interface FastifyInstance {
    /** Who an `Authorization` header speaks for, now. */
    readonly accessWith: (authorization: string) => Promise<Access>;
  }
  interface FastifyRequest {
    /** Set by the hook in http-hooks.ts before any handler runs. */
    access: Access;
  }
}
