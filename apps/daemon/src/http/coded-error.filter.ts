import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { Logger } from '@app/logging';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { publicError } from './error-response.js';

/** Answers REST callers with `{ error: { code, message, retryable, details } }` and the fitting status. */
@Catch()
export class CodedErrorFilter implements ExceptionFilter {
  constructor(private readonly logger: Logger) {}

  catch(error: unknown, host: ArgumentsHost): unknown {
    // GraphQL has its own form: graphql/error-formatter.ts.
    if (host.getType<string>() === 'graphql') return error;
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    answerError(this.logger, error, request, reply);
    return undefined;
  }
}

export function answerError(
  logger: Logger,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const { status, ...answer } = loggedAnswer(logger, error, request);
  if (reply.sent || reply.raw.headersSent) {
    // A stream broke half-way: cutting the connection is the only way left to say so.
    reply.raw.destroy();
    return;
  }
  if (status === 401) void reply.header('www-authenticate', 'Bearer realm="lacuna"');
  void reply.status(status).type('application/json').send({ error: answer });
}

/** What the caller may know of `error`; what is ours to look into is logged. */
export function loggedAnswer(logger: Logger, error: unknown, request: FastifyRequest) {
  const { internal, ...answer } = publicError(error, request.id);
  if (internal) logger.error({ err: error, correlationId: request.id }, 'a request failed');
  return answer;
}
