/**
 * What every demo registers in the same way. Each step carries an idempotency key made of the data's fingerprint, so a run
 * that was cut short is simply run again.
 */
import type { ApiClient } from './api-client.js';

export interface RegisteredRelease {
  readonly releaseId: string;
  readonly name: string;
}

/** Requests in flight at a time: enough to be grouped into few commits. */
const CONCURRENCY = 16;
/** A demo's requests all arrived on one day; a fixed one, so that a second run files the same ones. */
const RECEIVED_AT = '2026-01-15T09:00:00.000Z';

export class Registrar {
  constructor(
    private readonly platform: ApiClient,
    /** Short digest of the data: runs on the same data share one model and its idempotency keys. */
    private readonly fingerprint: string,
  ) {}

  /** Calls a registering mutation and returns the id of what it registered. @throws CliError `CLI_API_REFUSED` */
  async mutate(field: string, type: string, input: object, step: string): Promise<string> {
    const idempotencyKey = `demo-${this.fingerprint}-${step}`;
    const query = `mutation ($input: ${type}!) { ${field}(input: $input) { id } }`;
    const answer = await this.platform.graphql<Record<string, { id: string }>>(query, {
      input: { ...input, idempotencyKey },
    });
    return answer[field]!.id;
  }

  /** Files one deletion request for each list of sample ids and returns their ids in that order. */
  async fileRequests(modelId: string, requests: readonly (readonly string[])[]): Promise<string[]> {
    const ids = new Array<string>(requests.length);
    const waiting = requests.entries();
    const lane = async () => {
      for (const [number, sampleIds] of waiting) {
        const subject = `subject-${String(number + 1).padStart(3, '0')}`;
        const samples = sampleIds.map((sampleId) => ({ modelId, sampleId }));
        const input = { subject, regime: 'GDPR', receivedAt: RECEIVED_AT, samples };
        ids[number] = await this.mutate('fileDeletionRequest', 'FileDeletionRequestInput', input, subject);
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, lane));
    return ids;
  }
}
