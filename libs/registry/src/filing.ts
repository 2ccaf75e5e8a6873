/**
 * From what a caller sends to what the ledger appends: one deletion request with its commitments. Shared by the filing of
 * one request and by bulk import. Pure but for the request's random id.
 */
import { createHash, randomUUID } from 'node:crypto';
import type { CommitmentBatch } from '@app/ledger';
import { z } from 'zod';
import type { NewDeletionRequest } from './deletion-request.repository.js';
import { dueDate } from './due-date.js';
import { RegistryError } from './errors.js';
import { printable, sampleId, uuid } from './input.js';

/** One request is one transaction: more would hold the locks of its logs for many seconds. */
const MAX_SAMPLES = 100_000;
/** Clocks differ; a request from the day after tomorrow is a mistake. */
const MAX_FUTURE_MS = 86_400_000;

/** Fields of a request, over whatever the dates come as. */
export const requestFields = <When extends z.ZodType<Date>>(when: When) => ({
  subject: printable(256),
  /** GDPR, CCPA, OTHER, or whatever law it is. */
  regime: printable(64),
  receivedAt: when,
  dueAt: when.nullish(),
  samples: z
    .array(z.strictObject({ modelId: uuid, sampleId }))
    .min(1)
    .max(MAX_SAMPLES),
});

export interface RequestContent {
  readonly subject: string;
  readonly regime: string;
  readonly receivedAt: Date;
  readonly dueAt?: Date | null | undefined;
  readonly samples: readonly { readonly modelId: string; readonly sampleId: string }[];
}

export interface Filing {
  readonly request: NewDeletionRequest;
  readonly samplesByModel: ReadonlyMap<string, readonly string[]>;
  readonly commitments: readonly CommitmentBatch[];
}

/** @throws RegistryError REGISTRY_INPUT_INVALID, REGISTRY_DUPLICATE_SAMPLE */
export function prepareFiling(
  { subject, regime, receivedAt, dueAt, samples }: RequestContent,
  { filedBy, filedAt }: { readonly filedBy: string; readonly filedAt: Date },
): Filing {
  if (receivedAt.getTime() > filedAt.getTime() + MAX_FUTURE_MS) {
    throw invalid('receivedAt', 'receivedAt lies in the future');
  }
  if (dueAt && dueAt < receivedAt) throw invalid('dueAt', 'dueAt: must not lie before receivedAt');
  refuseRepeated(samples);
  const request: NewDeletionRequest = {
    requestId: randomUUID(),
    subject,
    regime,
    receivedAt,
    dueAt: dueAt ?? dueDate(regime, receivedAt),
    filedBy,
    filedAt,
    sampleCount: samples.length,
  };
  const samplesByModel = groupByModel(samples);
  return { request, samplesByModel, commitments: commitmentBatches(request, samplesByModel) };
}

/** All samples that are filed, by model. */
export function samplesOf(filings: readonly Filing[]): Map<string, string[]> {
  const samples = new Map<string, string[]>();
  for (const { samplesByModel } of filings) {
    for (const [modelId, names] of samplesByModel) {
      const known = samples.get(modelId) ?? [];
      samples.set(modelId, known);
      for (const name of names) known.push(name);
    }
  }
  return samples;
}

const invalid = (field: string, message: string): RegistryError =>
  new RegistryError('REGISTRY_INPUT_INVALID', message, { details: { field } });

/** What an idempotency key stands for: the request as filed, without what changes from call to call. */
export function contentOfFiling({ request }: Filing, samples: RequestContent['samples']) {
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

function groupByModel(samples: RequestContent['samples']): Map<string, string[]> {
  const byModel = new Map<string, string[]>();
  for (const { modelId, sampleId: sample } of samples) {
    const known = byModel.get(modelId);
    if (known) known.push(sample);
    else byModel.set(modelId, [sample]);
  }
  return byModel;
}

function refuseRepeated(samples: RequestContent['samples']): void {
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
