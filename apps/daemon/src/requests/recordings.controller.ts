import { Controller, HttpCode, Post, Query, Req, Res } from '@nestjs/common';
import type { Readable } from 'node:stream';
import { RecordingService, type SignalKind, type StoredRecording } from '@app/inference';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { requireRole } from '../auth/access-of.js';
import { Roles } from '../auth/roles.decorator.js';
import { DaemonError } from '../errors.js';
import { UPLOAD_TYPES } from '../http/upload-parser.js';

const KINDS: readonly string[] = ['loss', 'probability'] satisfies SignalKind[];

/** After a refusal so much of the rest is still read, so that the client gets to the answer; then the line is cut. */
const LONGEST_REST_BYTES = 64 * 1024 * 1024;

/** Bulk files of recorded signals. What one is good for is said afterwards, over GraphQL, by its id. */
@Controller('v1/recordings')
export class RecordingsController {
  constructor(private readonly recordings: RecordingService) {}

  /** The same content again gives the same id: no idempotency key is needed. */
  @Post()
  @HttpCode(200)
  @Roles('platform')
  async store(
    @Query('kind') kind: unknown,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StoredRecording> {
    const { subject } = requireRole(request.access, ['platform']);
    const signalKind = signalKindOf(kind);
    const file = fileOf(request);
    try {
      // Not `for await (… of file)`: that destroys the socket when a line is refused, and with it the answer.
      const bytes = file.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
      return await this.recordings.store(bytes, { signalKind, uploadedBy: subject });
    } catch (error) {
      void reply.header('connection', 'close');
      readRest(file);
      throw error;
    }
  }
}

function signalKindOf(kind: unknown): SignalKind {
  if (typeof kind === 'string' && KINDS.includes(kind)) return kind as SignalKind;
  throw new DaemonError(
    'REQUEST_MALFORMED',
    `kind must be ${KINDS.join(' or ')}: POST /v1/recordings?kind=loss`,
    {
      details: { parameter: 'kind' },
    },
  );
}

function fileOf(request: FastifyRequest): Readable {
  const body = request.body as Readable | undefined;
  if (typeof body?.iterator === 'function') return body;
  throw new DaemonError(
    'REQUEST_UNSUPPORTED_MEDIA_TYPE',
    `a recording is sent as its bytes, with one of the content types ${UPLOAD_TYPES.join(', ')}`,
  );
}

function readRest(file: Readable): void {
  let left = LONGEST_REST_BYTES;
  file.on('error', () => undefined);
  file.on('data', (chunk: Uint8Array) => {
    left -= chunk.length;
    if (left < 0) file.destroy();
  });
}
