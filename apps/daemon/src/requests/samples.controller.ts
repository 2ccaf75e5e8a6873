import { Controller, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import { SampleService, type StoredSamples } from '@app/registry';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Roles } from '../auth/roles.decorator.js';
import { NPZ_TYPES, UPLOAD_TYPES } from '../http/upload-parser.js';
import { takeUpload } from './upload-body.js';

const SAMPLE_FILE = { what: 'a file of samples', types: [...UPLOAD_TYPES, ...NPZ_TYPES] };

/** Files of samples, for the models that are run here. */
@Controller('v1/models')
export class SamplesController {
  constructor(private readonly samples: SampleService) {}

  /**
   * NDJSON or .npz, told by the first bytes. Samples never change, so the same file again is harmless: no idempotency key is
   * needed.
   */
  @Post(':id/samples')
  @HttpCode(200)
  @Roles('platform')
  store(
    @Param('id') modelId: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StoredSamples> {
    return takeUpload(request, reply, SAMPLE_FILE, (bytes) => this.samples.store(modelId, bytes));
  }
}
