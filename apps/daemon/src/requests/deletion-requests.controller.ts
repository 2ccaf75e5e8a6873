import { Controller, Get, Header, Param, Query } from '@nestjs/common';
import { AttestationService, BundleService } from '@app/verification';
import { Roles } from '../auth/roles.decorator.js';
import { DaemonError } from '../errors.js';
import { requireId } from '../graphql/ids.js';

/** Proof bundles: what one data subject gets to check their own commitments offline. */
@Controller('v1/deletion-requests/:id')
export class DeletionRequestsController {
  constructor(
    private readonly bundles: BundleService,
    private readonly attestations: AttestationService,
  ) {}

  /** For a model (its newest attestation that covers the request), or for one attestation. */
  @Get('bundle')
  @Header('content-type', 'application/json; charset=utf-8')
  @Roles('platform', 'auditor')
  async bundle(
    @Param('id') id: string,
    @Query('model') model: unknown,
    @Query('attestation') attestation: unknown,
  ): Promise<string> {
    const requestId = requireId(id, 'deletion request');
    if (typeof attestation === 'string') {
      const { attestationId, modelId } = await this.attestations.get(requireId(attestation, 'attestation'));
      return this.bundles.forRequest({ requestId, modelId, attestationId });
    }
    if (typeof model === 'string') {
      return this.bundles.forRequest({ requestId, modelId: requireId(model, 'model') });
    }
    throw new DaemonError(
      'REQUEST_MALFORMED',
      'say which: ?model=<model id> or ?attestation=<attestation id>',
      {
        details: { parameter: 'model' },
      },
    );
  }
}
