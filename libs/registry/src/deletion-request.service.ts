/**
 * Deletion requests: each sample named becomes one commitment, a leaf of its model's commitment log. A promise is
 * never refused for want of signals; a sample nobody can measure is reported as UNSCORABLE until somebody can.
 * Proven by test/medium/registry-deletion-requests.spec.ts.
 */
import { createHash, randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock, type CommitmentBatch, LedgerService } from '@app/ledger';
import type { Tx } from '@app/persistence';
import { z } from 'zod';
import {
  type Commitment,
  type CommitmentFilter,
  type DeletionRequest,
  type DeletionRequestFilter,
  DeletionRequestRepository,
  type NewDeletionRequest,
} from './deletion-request.repository.js';
import { dueDate } from './due-date.js';
import { RegistryError } from './errors.js';
import { markFiling } from './filing-marker.js';
import { found, idempotencyKey, isUuid, parseActor, parseInput, printable, sampleId, uuid } from './input.js';
import { ModelService } from './model.service.js';
import type { Page, PageRequest } from './page.js';
import { SampleSetRepository } from './sample-set.repository.js';
import { VerificationTrigger } from './verification-trigger.service.js';

/** One request is one transaction: more would hold the locks of its logs for many seconds. */
const MAX_SAMPLES = 100_000;
/** Clocks differ; a request from the day after tomorrow is a mistake. */
const MAX_FUTURE_MS = 86_400_000;

const requestInput = z
  .strictObject({
    subject: printable(256),
    /** GDPR, CCPA, OTHER, or whatever law it is. */
    regime: printable(64),
    receivedAt: z.date(),
    dueAt: z.date().nullish(),
    samples: z
      .array(z.strictObject({ modelId: uuid, sampleId }))
      .min(1)
      .max(MAX_SAMPLES),
    idempotencyKey,
  })
  .refine((input) => !input.dueAt || input.dueAt >= input.receivedAt, {
    message: 'must not lie before receivedAt',
    path: ['dueAt'],
  });
export type DeletionRequestInput = z.input<typeof requestInput>;

/** Scope of the idempotency keys of filings. */
const FILING = 'deletion-request';

type Samples = z.output<typeof requestInput>['samples'];

@Injectable()
export class DeletionRequestService {
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
    const filedAt = this.clock();
    if (parsed.receivedAt.getTime() > filedAt.getTime() + MAX_FUTURE_MS) {
      throw new RegistryError('REGISTRY_INPUT_INVALID', 'receivedAt lies in the future', {
        details: { field: 'receivedAt' },
      });
    }
    refuseRepeated(parsed.samples);
    const byModel = samplesByModel(parsed.samples);
    for (const modelId of byModel.keys()) await this.models.get(modelId);
    const { subject, regime, receivedAt, idempotencyKey: key } = parsed;
    const request: NewDeletionRequest = {
      requestId: randomUUID(),
      subject,
      regime,
      receivedAt,
      dueAt: parsed.dueAt ?? dueDate(regime, receivedAt),
      filedBy,
      filedAt,
      sampleCount: parsed.samples.length,
    };
    const filedUnder = { scope: FILING, key };
    const { requestId } = await this.ledger.append({
      idempotency: { ...filedUnder, content: contentOf(request, parsed.samples) },
      events: [],
      commitments: commitmentBatches(request, byModel),
      write: async (tx) => {
        await markFiling(tx);
        await this.refuseCalibration(tx, byModel);
        await this.requests.insert(tx, request, filedUnder);
        for (const modelId of byModel.keys())
          await this.trigger.forCurrentRelease(tx, modelId, 'commitments');
        return { requestId: request.requestId };
      },
    });
    return this.get(requestId);
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

/** What an idempotency key stands for: the request as filed, without what changes from call to call. */
function contentOf(request: DeletionRequest, samples: Samples) {
  const { subject, regime, receivedAt, dueAt, sampleCount } = request;
  const hash = createHash('sha256');
  for (const sample of samples) hash.update(`${sample.modelId}\t${sample.sampleId}\n`, 'utf8');
  return {
    subject,
    regime,
    receivedAt: receivedAt.toISOString(),
    dueAt: dueAt.toISOString(),
    sampleCount,
    samplesDigest: hash.digest('hex'),
  };
}

/** Every column of the request travels in every leaf, so that a changed row shows in all of them. */
function commitmentBatches(
  request: NewDeletionRequest,
  byModel: ReadonlyMap<string, readonly string[]>,
): CommitmentBatch[] {
  const { requestId, receivedAt, dueAt, filedAt, ...rest } = request;
  const content = {
    ...rest,
    receivedAt: receivedAt.toISOString(),
    dueAt: dueAt.toISOString(),
    filedAt: filedAt.toISOString(),
  };
  return [...byModel].map(([modelId, sampleIds]) => ({
    modelId,
    requestId,
    items: sampleIds.map((sample) => ({ sampleId: sample, content })),
  }));
}

function samplesByModel(samples: Samples): Map<string, string[]> {
  const byModel = new Map<string, string[]>();
  for (const { modelId, sampleId: sample } of samples) {
    const known = byModel.get(modelId);
    if (known) known.push(sample);
    else byModel.set(modelId, [sample]);
  }
  return byModel;
}

function refuseRepeated(samples: Samples): void {
  const seen = new Set<string>();
  for (const [position, sample] of samples.entries()) {
    const pair = `${sample.modelId}\t${sample.sampleId}`;
    if (seen.has(pair)) {
      throw new RegistryError('REGISTRY_DUPLICATE_SAMPLE', `samples.${position} names a sample again`, {
        details: { position },
      });
    }
    seen.add(pair);
  }
}
