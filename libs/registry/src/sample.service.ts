/**
 * Sample payloads of a model: taken from a file chunk by chunk, each chunk all or nothing, each sealed and stored together
 * with its event. A sample never changes: the same content again is passed over, other content is refused. Deletion
 * requests and sample sets name samples by id, before or after. Proven by test/medium/samples.spec.ts.
 */
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '@app/config';
import {
  InferenceError,
  nameOfPlace,
  type PlacedPayload,
  readSamples,
  type SamplePlace,
} from '@app/inference';
import { CLOCK, type Clock, LedgerService } from '@app/ledger';
import { SEGMENT_WIDTH, type StoredPayload, VaultError, VaultService } from '@app/vault';
import { toHex } from './digest-hex.js';
import { RegistryError } from './errors.js';
import { ModelService } from './model.service.js';
import { untilPlaced } from './unique-violation.js';
import { VerificationTrigger } from './verification-trigger.service.js';

/** Of one chunk: it is held in memory several times over, and goes to the database as one value. */
const MAX_CHUNK_BYTES = 32 * 1024 * 1024;

export interface StoredSamples {
  readonly modelId: string;
  /** Stored by this call. */
  readonly stored: number;
  /** Stored before, with the same content. */
  readonly known: number;
}

@Injectable()
export class SampleService {
  constructor(
    private readonly models: ModelService,
    private readonly vault: VaultService,
    private readonly trigger: VerificationTrigger,
    private readonly ledger: LedgerService,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Pick<Config, 'LACUNA_UPLOAD_MAX_BYTES'>,
  ) {}

  /**
   * Stores the samples of a file. Where a sample is refused, the chunks before its own are kept: send the file again.
   * @param bytes NDJSON or an .npz file, gzip or not; read once
   * @throws RegistryError REGISTRY_NOT_FOUND, REGISTRY_SAMPLE_MISMATCH; InferenceError SAMPLE_MALFORMED,
   *   SAMPLE_UPLOAD_TOO_LARGE, SAMPLE_COMPRESSION_BROKEN, SAMPLE_ARCHIVE_BROKEN, SAMPLE_ARRAY_REFUSED, SAMPLE_UPLOAD_EMPTY;
   *   VaultError VAULT_KEY_UNUSABLE, VAULT_KEY_MISSING
   */
  async store(modelId: string, bytes: AsyncIterable<Uint8Array>): Promise<StoredSamples> {
    const model = await this.models.get(modelId);
    const counts = { stored: 0, known: 0 };
    const keep = async (chunk: Chunk) => {
      const stored = await this.storeChunk(model.modelId, chunk.samples);
      counts.stored += stored;
      counts.known += chunk.samples.length - stored;
    };
    let chunk = new Chunk();
    for await (const sample of readSamples(bytes, this.config.LACUNA_UPLOAD_MAX_BYTES)) {
      if (chunk.isFullFor(sample)) {
        await keep(chunk);
        chunk = new Chunk();
      }
      chunk.add(sample);
    }
    // The last chunk is empty only where there was no sample at all.
    if (chunk.samples.length === 0)
      throw new InferenceError('SAMPLE_UPLOAD_EMPTY', 'the file holds no sample');
    await keep(chunk);
    return { modelId: model.modelId, ...counts };
  }

  /** Returns how many of the samples were new. */
  private storeChunk(modelId: string, samples: readonly PlacedPayload[]): Promise<number> {
    // Somebody may store one of them in between: then it is known, and compared.
    return untilPlaced('vault_item_pkey', async () => {
      const known = await this.vault.read(
        modelId,
        samples.map(({ sampleId }) => sampleId),
      );
      const fresh = samples.filter((sample, at) => isNew(sample, known[at]!));
      if (fresh.length > 0) await this.append(modelId, fresh);
      return fresh.length;
    });
  }

  private async append(modelId: string, samples: readonly PlacedPayload[]): Promise<void> {
    const sealed = this.vault.seal(modelId, samples);
    const { segmentId } = sealed;
    const storedAt = this.clock();
    await this.ledger.append({
      idempotency: null,
      events: [
        {
          type: 'samples-stored',
          subjectId: segmentId,
          content: {
            segmentId,
            modelId,
            sampleCount: samples.length,
            digest: toHex(sealed.digest),
            storedAt: storedAt.toISOString(),
          },
        },
      ],
      write: async (tx, placed) => {
        await this.vault.insert(tx, sealed, { storedAt, eventIndex: placed.eventIndexes[0]! });
        await this.trigger.forStoredSamples(
          tx,
          modelId,
          samples.map(({ sampleId }) => sampleId),
        );
        return { segmentId };
      },
    });
  }
}

/** Samples that are stored together; a sample that comes again with the same content counts once. */
class Chunk {
  readonly samples: PlacedPayload[] = [];
  private readonly byId = new Map<string, PlacedPayload>();
  private bytes = 0;

  isFullFor({ payload }: PlacedPayload): boolean {
    return (
      this.samples.length === SEGMENT_WIDTH ||
      (this.samples.length > 0 && this.bytes + payload.length > MAX_CHUNK_BYTES)
    );
  }

  /** @throws RegistryError REGISTRY_SAMPLE_MISMATCH */
  add(sample: PlacedPayload): void {
    const before = this.byId.get(sample.sampleId);
    if (before) {
      if (Buffer.compare(before.payload, sample.payload) !== 0) throw mismatch(sample.place);
      return;
    }
    this.byId.set(sample.sampleId, sample);
    this.samples.push(sample);
    this.bytes += sample.payload.length;
  }
}

function isNew({ place, payload }: PlacedPayload, known: StoredPayload): boolean {
  if (known === null) return true;
  // One that does not open cannot be compared, and must not be replaced unseen.
  if (known instanceof VaultError) throw known;
  if (Buffer.compare(known, payload) !== 0) throw mismatch(place);
  return false;
}

const mismatch = (place: SamplePlace): RegistryError =>
  new RegistryError(
    'REGISTRY_SAMPLE_MISMATCH',
    `${nameOfPlace(place)} has the id of a sample that is stored with other content; samples never change, use another id`,
    { details: { ...place } },
  );
