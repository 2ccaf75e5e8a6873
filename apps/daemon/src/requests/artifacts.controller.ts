import { Controller, HttpCode, Post, Query, Req, Res } from '@nestjs/common';
import { type Artifact, ArtifactStore } from '@app/inference';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { requireRole } from '../auth/access-of.js';
import { Roles } from '../auth/roles.decorator.js';
import { contentTypeOf, takeUpload } from './upload-body.js';

const ARCHIVE_TYPES: readonly string[] = ['application/x-tar', 'application/gzip', 'application/x-gzip'];

/** Models: files to be run here, or endpoints that run them. What one is good for is said afterwards, by its digest. */
@Controller('v1/artifacts')
export class ArtifactsController {
  constructor(private readonly artifacts: ArtifactStore) {}

  /** The same content again gives the same digest: no idempotency key is needed. */
  @Post()
  @HttpCode(200)
  @Roles('platform')
  async store(
    @Query() declaration: Readonly<Record<string, unknown>>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ArtifactAnswer> {
    const { subject: storedBy } = requireRole(request.access, ['platform']);
    const type = contentTypeOf(request);
    if (type === 'application/json')
      return answerOf(await this.artifacts.storeEndpoint(request.body, storedBy));
    const upload = { declaration, isArchive: ARCHIVE_TYPES.includes(type), storedBy };
    return answerOf(
      await takeUpload(request, reply, { what: 'a model' }, (bytes) =>
        this.artifacts.storeFiles(bytes, upload),
      ),
    );
  }
}

type ArtifactAnswer = Pick<Artifact, 'artifactDigest' | 'declaration' | 'files' | 'sizeBytes'> & {
  readonly binding: string;
};

const answerOf = ({ artifactDigest, binding, declaration, files, sizeBytes }: Artifact): ArtifactAnswer => ({
  artifactDigest,
  binding: binding.toUpperCase(),
  declaration,
  files,
  sizeBytes,
});
