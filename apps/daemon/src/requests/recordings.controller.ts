import { Controller, HttpCode, Post, Query, Req, Res } from '@nestjs/common';
import { RecordingService, type SignalKind, type StoredRecording } from '@app/inference';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { requireRole } from '../auth/access-of.js';
import { Roles } from '../auth/roles.decorator.js';
import { DaemonError } from '../errors.js';
import { uploadBody } from './upload-body.js';

const KINDS: readonly string[] = ['loss', 'probability'] satisfies SignalKind[];

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
    const file = uploadBody(request, { what: 'a recording' });
    try {
      return await this.recordings.store(file.bytes, { signalKind, uploadedBy: subject });
    } catch (error) {
      file.readRest(reply);
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
