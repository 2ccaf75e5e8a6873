/**
 * Deletion requests: each sample named becomes one commitment, a leaf of its model's commitment log. A promise is
 * never refused for want of signals; a sample nobody can measure is reported as UNSCORABLE until somebody can.
 * Proven by test/medium/registry-deletion-requests.spec.ts.
 */
import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock, LedgerService, SharedWrite } from '@app/ledger';
import type { Tx } from '@app/persistence';
import { z } from 'zod';
import {
  type Commitment,
  type CommitmentFilter,
  type DeletionRequest,
  type DeletionRequestFilter,
  DeletionRequestRepository,
  requestRows,
} from './deletion-request.repository.js';
import { RegistryError } from './errors.js';
import { contentOfFiling, type Filing, prepareFiling, requestFields, samplesOf } from './filing.js';
import { markFiling } from './filing-marker.js';
import { found, idempotencyKey, isUuid, parseActor, parseInput, printable, sampleId, uuid } from './input.js';
import { ModelService } from './model.service.js';
import type { Page, PageRequest } from './page.js';
import { SampleSetRepository } from './sample-set.repository.js';
import { VerificationTrigger } from './verification-trigger.service.js';

const requestInput = z.strictObject({ ...requestFields(z.date()), idempotencyKey });
export type DeletionRequestInput = z.input<typeof requestInput>;

/** Scope of the idempotency keys of filings. */
const FILING = 'deletion-request';

@Injectable()
export class DeletionRequestService {
  /** A few statements whatever the number of requests that are filed at once: they hold the heads' locks. */
  private readonly filings = new SharedWrite<Filing>(async (tx, filings) => {
    await markFiling(tx);
    const samplesByModel = samplesOf(filings);
    await this.refuseCalibration(tx, samplesByModel);
    for (const modelId of samplesByModel.keys())
      await this.trigger.forCurrentRelease(tx, modelId, 'commitments');
  });

  constructor(
    private readonly requests: DeletionRequestRepository,
    private readonly models: ModelService,
    private readonly sets: SampleSetRepository,
    private readonly trigger: VerificationTrigger,
    private readonly ledger: LedgerService,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * Files a request and makes all of its commitments, over one or several models, or none.
   * @throws RegistryError REGISTRY_INPUT_INVALID, REGISTRY_NOT_FOUND, REGISTRY_DUPLICATE_SAMPLE,
   *   REGISTRY_CALIBRATION_COMMITTED; LedgerError LEDGER_IDEMPOTENCY_CONFLICT
   */
  async file(input: DeletionRequestInput, actor: string): Promise<DeletionRequest> {
    const filedBy = parseActor(actor);
    const parsed = parseInput(requestInput, input);
    const filing = prepareFiling(parsed, { filedBy, filedAt: this.clock() });
    const { request, samplesByModel } = filing;
    await this.models.demand([...samplesByModel.keys()]);
    const { idempotencyKey: key } = parsed;
    const filedUnder = { scope: FILING, key };
    const { requestId } = await this.ledger.append({
      idempotency: { ...filedUnder, content: contentOfFiling(filing, parsed.samples) },
      events: [],
      commitments: filing.commitments,
      facts: () => requestRows(request, filedUnder),
      shares: this.filings.with(filing),
      write: () => Promise.resolve({ requestId: request.requestId }),
    });
    return requestId === request.requestId ? request : this.get(requestId);
  }

  /** @throws RegistryError REGISTRY_NOT_FOUND */
  async get(requestId: string): Promise<DeletionRequest> {
    const [request] = isUuid(requestId) ? await this.requests.find([requestId]) : [];
    return found(request, 'deletion request');
  }

  /** Those of `requestIds` that exist, in no particular order. */
  getMany(requestIds: readonly string[]): Promise<readonly DeletionRequest[]> {
    return this.requests.find(requestIds.filter(isUuid));
  }

  /** In the order of filing; all, those with samples of a model, those of a subject. */
  async list(filter: DeletionRequestFilter, request: PageRequest): Promise<Page<DeletionRequest>> {
    return this.requests.list(parseInput(requestFilter, filter), request);
  }

  /** By model and leaf index; of a request, a model, a sample, or any of these together. */
  async commitments(filter: CommitmentFilter, request: PageRequest): Promise<Page<Commitment>> {
    return this.requests.commitments(parseInput(commitmentFilter, filter), request);
  }

  private async refuseCalibration(tx: Tx, byModel: ReadonlyMap<string, readonly string[]>): Promise<void> {
    for (const [modelId, sampleIds] of byModel) {
      if ((await this.sets.firstInCalibration(tx, modelId, sampleIds)) === null) continue;
      throw new RegistryError(
        'REGISTRY_CALIBRATION_COMMITTED',
        'the request names a sample of a calibration set, which was never trained on',
        { details: { modelId } },
      );
    }
  }
}

const requestFilter = z.strictObject({ modelId: uuid.nullish(), subject: printable(256).nullish() });
const commitmentFilter = z.strictObject({
  requestId: uuid.nullish(),
  modelId: uuid.nullish(),
  sampleId: sampleId.nullish(),
});
