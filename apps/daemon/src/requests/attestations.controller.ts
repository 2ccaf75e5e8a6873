import { Controller, Get, Header, Param, Req, Res } from '@nestjs/common';
import { type Attestation, AttestationService } from '@app/verification';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Roles } from '../auth/roles.decorator.js';
import { requireId } from '../graphql/ids.js';
import { sendLines } from './text-stream.js';

/** Attestations as files: what `lacuna verify` and any other verifier reads. */
@Controller('v1/attestations/:id')
export class AttestationsController {
  constructor(private readonly attestations: AttestationService) {}

  /** The compact JWS. */
  @Get()
  @Header('content-type', 'application/jose')
  @Roles('platform', 'auditor', 'operator')
  async jws(@Param('id') id: string): Promise<string> {
    return (await this.find(id)).jws;
  }

  @Get('dsse')
  @Header('content-type', 'application/vnd.dsse.envelope.v1+json')
  @Roles('platform', 'auditor', 'operator')
  async dsse(@Param('id') id: string): Promise<string> {
    return (await this.find(id)).dsse;
  }

  /** That the event log holds it; waits a little for the checkpoint that covers it. */
  @Get('tlog-proof')
  @Header('content-type', 'text/plain; charset=utf-8')
  @Roles('platform', 'auditor', 'operator')
  async tlogProof(@Param('id') id: string): Promise<string> {
    return this.attestations.tlogProof(await this.find(id));
  }

  /** All N result leaves in order, one canonical JSON line each: what a recount reads. */
  @Get('results')
  @Header('content-type', 'application/x-ndjson')
  @Roles('platform', 'auditor')
  async results(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const attestation = await this.find(id);
    await sendLines(this.attestations.resultLines(attestation), request, reply);
  }

  private find(id: string): Promise<Attestation> {
    return this.attestations.get(requireId(id, 'attestation'));
  }
}
