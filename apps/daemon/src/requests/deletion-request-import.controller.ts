import { Controller, Get, HttpCode, Inject, Post, Query, Req, Res } from '@nestjs/common';
import { Readable } from 'node:stream';
import { type Logger, LOGGER } from '@app/logging';
import { DeletionRequestImportService, type ImportedChunk, type ImportState } from '@app/registry';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { requireRole } from '../auth/access-of.js';
import { Roles } from '../auth/roles.decorator.js';
import { DaemonError } from '../errors.js';
import { loggedAnswer } from '../http/coded-error.filter.js';
import { uploadBody } from './upload-body.js';

/**
 * Bulk import of deletion requests: lines in, and out a line for each chunk as soon as it is durable. The last line is
 * `{"done": …}`, or `{"error": …}` in the form of every other refusal; before the first chunk that is the answer itself.
 */
@Controller('v1/deletion-requests/import')
export class DeletionRequestImportController {
  constructor(
    private readonly imports: DeletionRequestImportService,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  @Post()
  @HttpCode(200)
  @Roles('platform')
  async import(
    @Query('key') key: unknown,
    @Query('firstLine') firstLine: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { subject } = requireRole(request.access, ['platform']);
    const input = { key: keyOf(key), firstLine: lineOf(firstLine) };
    const body = uploadBody(request, { what: 'an import' });
    const chunks = this.imports.import(body.bytes, input, subject);
    try {
      const first = await chunks.next();
      const answer = Readable.from(this.lines(first, chunks, request), { objectMode: false });
      answer.on('close', () => body.readRest(reply));
      await reply.type('application/x-ndjson').send(answer);
    } catch (error) {
      body.readRest(reply);
      throw error;
    }
  }

  /** How far an import has come: what a client asks that lost its connection. */
  @Get()
  @Roles('platform')
  async state(@Query('key') key: unknown): Promise<ImportState> {
    return this.imports.state(keyOf(key));
  }

  private async *lines(
    first: IteratorResult<ImportedChunk>,
    rest: AsyncGenerator<ImportedChunk>,
    request: FastifyRequest,
  ): AsyncGenerator<string> {
    const done = { chunks: 0, requests: 0, commitments: 0, refused: 0, nextLine: 1 };
    try {
      for (let next = first; !next.done; next = await rest.next()) {
        const chunk = next.value;
        done.chunks += 1;
        done.requests += chunk.requests;
        done.commitments += chunk.commitments;
        done.refused += chunk.refused.length;
        done.nextLine = chunk.lastLine + 1;
        yield `${JSON.stringify({ chunk })}\n`;
      }
      yield `${JSON.stringify({ done })}\n`;
    } catch (error) {
      // Nobody is there to be told when the client has gone; the log of requests says so.
      if (request.raw.socket.destroyed) return;
      const { code, message, retryable, details } = loggedAnswer(this.logger, error, request);
      yield `${JSON.stringify({ error: { code, message, retryable, details } })}\n`;
    }
  }
}

function keyOf(key: unknown): string {
  if (typeof key === 'string' && key !== '') return key;
  throw new DaemonError(
    'REQUEST_MALFORMED',
    'an import needs a key of its own: POST /v1/deletion-requests/import?key=<key>',
    { details: { parameter: 'key' } },
  );
}

function lineOf(firstLine: unknown): number {
  if (firstLine === undefined) return 1;
  if (typeof firstLine === 'string' && /^[1-9]\d{0,11}$/.test(firstLine)) return Number(firstLine);
  throw new DaemonError('REQUEST_MALFORMED', 'firstLine must be the number of a line, 1 for the first', {
    details: { parameter: 'firstLine' },
  });
}
