/**
 * Samples on their way to a model: payloads out of the vault, decrypted, fetched where their owner keeps them, put
 * together to batches of one layout. What cannot be read costs no other sample. Proven by test/medium/live-verification.spec.ts.
 */
import { batchSamples, HeldSamples, type SampleBatch } from '@app/inference';
import { type StoredPart, type StoredPayload, VaultService } from '@app/vault';
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
/** Bytes of samples kept by their owners that are fetched at once: bounds the memory of a block whose samples are large. */
const FETCH_BYTES = 64 * 2 ** 20;
/** Fetched first, to learn how large the samples of a model are. */
const FIRST_FETCH = 32;

@Injectable()
export class SampleReader {
  /** Bytes of a fetched sample by model, as far as any were. */
  private readonly fetchedBytes = new Map<string, number>();

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
    const wanted = positions.map((position) => sampleIds[position]!);
    for await (const part of this.vault.parts(modelId, wanted)) {
      const places = part.positions.map((place) => positions[place]!);
      const someHeld = part.payloads.some(isHeld);
      for (let from = 0; from < places.length;) {
        const to = from + (someHeld ? this.fetchedAtOnce(modelId) : places.length);
        yield* this.batches(modelId, {
          positions: places.slice(from, to),
          payloads: part.payloads.slice(from, to),
        });
        from = to;
      }
    }
  }

  /** @param part by positions in the block */
  private async *batches(
    modelId: string,
    { positions, payloads: stored }: StoredPart,
  ): AsyncGenerator<SamplePart> {
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
    const size = meanBytes(payloads);
    if (stored.some(isHeld) && size !== null) this.fetchedBytes.set(modelId, size);
    const { batches, broken } = batchSamples(payloads, batchSize(size ?? 1));
    for (const [place, error] of broken) refuse(place, String(error.code));
    for (const { positions: places, batch } of batches)
      yield { positions: Array.from(places, (place) => positions[place]!), batch };
    for (const [code, places] of refused)
      yield { positions: places.sort((a, b) => a - b), batch: null, code };
  }

  private fetchedAtOnce(modelId: string): number {
    const known = this.fetchedBytes.get(modelId);
    return known === undefined ? FIRST_FETCH : Math.max(1, Math.floor(FETCH_BYTES / known));
  }
}

const isHeld = (payload: StoredPayload): boolean =>
  payload instanceof Uint8Array && HeldSamples.isHeld(payload);

const batchSize = (payloadBytes: number): number =>
  Math.min(LARGEST_BATCH, Math.max(1, Math.floor(BATCH_BYTES / payloadBytes)));

/** At least 1; null where there is no payload. */
function meanBytes(payloads: readonly (Uint8Array | null)[]): number | null {
  const sizes = payloads.flatMap((payload) => (payload ? [payload.length] : []));
  if (sizes.length === 0) return null;
  return Math.max(1, sizes.reduce((sum, size) => sum + size, 0) / sizes.length);
}
