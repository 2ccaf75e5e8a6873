/** Attestations as others download them. Proven by test/medium/verification-attestation.spec.ts. */
import { formatLeafOpening } from '@app/attestation';
import { LedgerService } from '@app/ledger';
import { formatTlogProof } from '@app/tlog';
import { Injectable } from '@nestjs/common';
import { VerificationError } from '../errors.js';
import { INDEX_KEY, type Page, pageOf, type PageRequest, pageSize, readCursor } from '../page.js';
import { ResultService } from '../result.service.js';
import { type Attestation, AttestationRepository } from './attestation.repository.js';

/** The integrator needs a fraction of a second; a download waits no longer than this for it. */
const PATIENCE_MS = 10_000;

@Injectable()
export class AttestationService {
  constructor(
    private readonly attestations: AttestationRepository,
    private readonly results: ResultService,
    private readonly ledger: LedgerService,
  ) {}

  /** @throws VERIFICATION_ATTESTATION_UNKNOWN */
  async get(attestationId: string): Promise<Attestation> {
    const attestation = await this.attestations.find(attestationId);
    if (attestation) return attestation;
    throw new VerificationError('VERIFICATION_ATTESTATION_UNKNOWN', 'there is no such attestation');
  }

  /** Null until the verification is attested. */
  async ofVerification(verificationId: string): Promise<Attestation | null> {
    return (await this.attestations.ofVerification(verificationId)) ?? null;
  }

  /** The model's newest; null before the first. */
  async latest(modelId: string): Promise<Attestation | null> {
    return (await this.attestations.latest(modelId)) ?? null;
  }

  /** In order of issue. */
  async list(
    filter: { readonly modelId?: string | undefined },
    page: PageRequest,
  ): Promise<Page<Attestation>> {
    const size = pageSize(page);
    const after = page.after === undefined ? null : BigInt(readCursor(page.after, INDEX_KEY));
    const rows = await this.attestations.list(filter, after, size + 1);
    return pageOf(rows, size, ({ eventIndex }) => String(eventIndex));
  }

  /**
   * Text of the c2sp.org/tlog-proof@v1 file: that the event log holds the attestation, with what opens its leaf.
   * @throws LEDGER_NOT_INTEGRATED (retryable) before the first checkpoint that covers it
   */
  async tlogProof({ eventIndex }: Pick<Attestation, 'eventIndex'>): Promise<string> {
    const log = await this.ledger.eventLog();
    const checkpoint = await this.ledger.checkpointCovering(log, eventIndex + 1n, PATIENCE_MS);
    const [event, proof] = await Promise.all([
      this.ledger.event(eventIndex),
      this.ledger.proveInclusion(log.logId, eventIndex, checkpoint.treeSize),
    ]);
    return formatTlogProof({
      extra: formatLeafOpening(event),
      leafIndex: eventIndex,
      proof,
      checkpoint: checkpoint.note,
    });
  }

  /** The attested result leaves as NDJSON: all N of them, in leaf order. */
  async *resultLines({ verificationId }: Pick<Attestation, 'verificationId'>): AsyncGenerator<string> {
    for await (const line of this.results.lines(verificationId)) yield `${line}\n`;
  }
}
