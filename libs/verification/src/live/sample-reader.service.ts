/**
 * Samples on their way to a model: payloads out of the vault, decrypted, fetched where their owner keeps them, put
 * together to batches of one layout. What cannot be read costs no other sample. Proven by test/medium/live-verification.spec.ts.
 */
import { batchSamples, HeldSamples, type SampleBatch } from '@app/inference';
import { VaultService } from '@app/vault';
import { Injectable } from '@nestjs/common';
import { PAYLOAD_MISSING } from './signal-block.js';

/** Some samples of a block, by their positions in it: ready to run, or why they cannot be. */
export type SamplePart =
  | { readonly positions: readonly number[]; readonly batch: SampleBatch; readonly code?: undefined }
  | { readonly positions: readonly number[]; readonly batch: null; readonly code: string };

/** Payload bytes of one batch: more waste the caches of the processor, fewer make each batch's own cost show. */
const BATCH_BYTES = 2 ** 20;
/** Samples of one batch at most: what a model holds of each on its way through is many times the payload. */
const LARGEST_BATCH = 1024;
/** Payload bytes read at once: bounds the memory of a block whose samples are large. */
const READ_BYTES = 64 * 2 ** 20;
/** Read first, to learn how large the samples of a model are. */
const FIRST_READ = 32;

@Injectable()
export class SampleReader {
  /** Bytes of a payload by model, as far as they were read. */
  private readonly payloadBytes = new Map<string, number>();

  constructor(
    private readonly vault: VaultService,
    private readonly held: HeldSamples,
  ) {}

  /**
   * The samples at `positions` of a block, in batches that are run together.
   * @param sampleIds of the whole block, null where what it was is destroyed
   * @throws what may pass by itself, for example VAULT_KEY_MISSING, SAMPLE_HOST_UNAVAILABLE
   */
  async *parts(
    modelId: string,
    sampleIds: readonly (string | null)[],
    positions: readonly number[],
  ): AsyncGenerator<SamplePart> {
    for (let from = 0; from < positions.length;) {
      const known = this.payloadBytes.get(modelId);
      const count = known === undefined ? FIRST_READ : Math.max(1, Math.floor(READ_BYTES / known));
      yield* this.read(modelId, sampleIds, positions.slice(from, from + count));
      from += count;
    }
  }

  private async *read(
    modelId: string,
    sampleIds: readonly (string | null)[],
    positions: readonly number[],
  ): AsyncGenerator<SamplePart> {
    const stored = await this.vault.read(
      modelId,
      positions.map((position) => sampleIds[position]!),
    );
    const refused = new Map<string, number[]>();
    const refuse = (place: number, code: string): void => {
      const known = refused.get(code) ?? [];
      refused.set(code, known);
      known.push(positions[place]!);
    };
    const opened = stored.map((payload, place) => {
      if (payload instanceof Uint8Array) return payload;
      refuse(place, payload === null ? PAYLOAD_MISSING : String(payload.code));
      return null;
    });
    const { payloads, refused: unfetched } = await this.held.fetchAll(opened);
    for (const [place, error] of unfetched) refuse(place, String(error.code));
    const { batches, broken } = batchSamples(payloads, this.batchSize(modelId, payloads));
    for (const [place, error] of broken) refuse(place, String(error.code));
    for (const { positions: places, batch } of batches)
      yield { positions: Array.from(places, (place) => positions[place]!), batch };
    for (const [code, places] of refused)
      yield { positions: places.sort((a, b) => a - b), batch: null, code };
  }

  /** Samples of a batch; notes how large the payloads are. */
  private batchSize(modelId: string, payloads: readonly (Uint8Array | null)[]): number {
    const sizes = payloads.flatMap((payload) => (payload ? [payload.length] : []));
    if (sizes.length === 0) return LARGEST_BATCH;
    const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
    this.payloadBytes.set(modelId, Math.max(1, mean));
    return Math.min(LARGEST_BATCH, Math.max(1, Math.floor(BATCH_BYTES / Math.max(1, mean))));
  }
}
