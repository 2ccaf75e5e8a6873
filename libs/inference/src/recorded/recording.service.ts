/**
 * Recorded signals: stored whole or not at all, identified by their content, read back by sample. A recording says
 * nothing about what it is good for; the registry attaches it to a release, a reference or a sample set.
 * Proven by test/medium/recording.spec.ts.
 */
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '@app/config';
import type { Tx } from '@app/persistence';
import { InferenceError } from '../errors.js';
import { parseRecording } from './parse-recording.js';
import { RecordingDigest, recordingIdOf } from './recording-digest.js';
import { type Recording, RecordingRepository } from './recording.repository.js';
import type { RecordedRow, SignalKind } from './row-reader.js';

/** Rows of one insert: fewer cost round trips, more cost memory (a row is some hundred bytes here). */
const WRITE_BATCH = 10_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export interface StoreOptions {
  readonly signalKind: SignalKind;
  /** Who sends the file; of equal content the first sender is kept. */
  readonly uploadedBy: string;
}

export interface StoredRecording {
  readonly recordingId: string;
  /** SHA-256 of the content, lowercase hex. */
  readonly digest: string;
  readonly rowCount: number;
}

@Injectable()
export class RecordingService {
  constructor(
    private readonly recordings: RecordingRepository,
    @Inject(CONFIG) private readonly config: Pick<Config, 'LACUNA_UPLOAD_MAX_BYTES'>,
  ) {}

  /**
   * Keeps a file of recorded signals in one transaction; content that is there already gives the stored recording.
   * @param bytes the file as it comes, gzip or not; read once, at most LACUNA_UPLOAD_MAX_BYTES after decompression
   * @throws InferenceError as parseRecording does, and RECORDING_DUPLICATE_SAMPLE; then nothing is kept
   */
  async store(bytes: AsyncIterable<Uint8Array>, options: StoreOptions): Promise<StoredRecording> {
    const rows = parseRecording(bytes, {
      signalKind: options.signalKind,
      maxBytes: this.config.LACUNA_UPLOAD_MAX_BYTES,
    });
    return this.recordings.transaction(async (tx) => {
      await this.recordings.openStage(tx);
      await this.stageAll(tx, rows);
      const { digest, rowCount } = await this.digestStaged(tx);
      const recordingId = recordingIdOf(options.signalKind, digest);
      await this.recordings.keepStaged(tx, { recordingId, digest, rowCount, ...options });
      return { recordingId, digest: Buffer.from(digest).toString('hex'), rowCount };
    });
  }

  /**
   * Returns the raw value of each sample, in the order of `sampleIds`; NaN where no recording holds it. Where several do,
   * the earlier in `recordingIds` counts.
   */
  async values(recordingIds: readonly string[], sampleIds: readonly string[]): Promise<Float64Array> {
    const values = new Float64Array(sampleIds.length).fill(NaN);
    if (recordingIds.length === 0 || sampleIds.length === 0) return values;
    const rankOf = new Int32Array(sampleIds.length).fill(0x7fffffff);
    for (const { position, rank, value } of await this.recordings.values(recordingIds, sampleIds)) {
      if (rank >= rankOf[position]!) continue;
      rankOf[position] = rank;
      values[position] = value;
    }
    return values;
  }

  /** @throws InferenceError RECORDING_NOT_FOUND */
  async get(recordingId: string): Promise<Recording> {
    const [recording] = UUID.test(recordingId) ? await this.recordings.find([recordingId]) : [];
    if (!recording) {
      throw new InferenceError('RECORDING_NOT_FOUND', `no recording has the id ${recordingId}`);
    }
    return recording;
  }

  /** The recordings that exist among `recordingIds`, in no particular order. */
  getMany(recordingIds: readonly string[]): Promise<readonly Recording[]> {
    return this.recordings.find(recordingIds);
  }

  /** Yields all rows of a recording in canonical order (sample id, code point by code point). */
  rows(recordingId: string): AsyncGenerator<RecordedRow> {
    return this.recordings.rows(recordingId);
  }

  private async stageAll(tx: Tx, rows: AsyncIterable<RecordedRow>): Promise<void> {
    let batch: RecordedRow[] = [];
    for await (const row of rows) {
      batch.push(row);
      if (batch.length < WRITE_BATCH) continue;
      await this.recordings.stage(tx, batch);
      batch = [];
    }
    if (batch.length > 0) await this.recordings.stage(tx, batch);
  }

  /** The digest over the staged rows; names the duplicate that comes first in the file, if there is any. */
  private async digestStaged(tx: Tx): Promise<{ digest: Uint8Array; rowCount: number }> {
    const digest = new RecordingDigest();
    let rowCount = 0;
    let previous: RecordedRow | null = null;
    let duplicate: { line: number; firstLine: number } | null = null;
    for await (const row of this.recordings.staged(tx)) {
      if (previous?.sampleId === row.sampleId) {
        if (!duplicate || row.line < duplicate.line) duplicate = { line: row.line, firstLine: previous.line };
      }
      digest.add(row.sampleId, row.value);
      rowCount += 1;
      previous = row;
    }
    if (duplicate) {
      throw new InferenceError(
        'RECORDING_DUPLICATE_SAMPLE',
        `line ${duplicate.line} names the sample of line ${duplicate.firstLine} again`,
        { details: duplicate },
      );
    }
    return { digest: digest.finish(), rowCount };
  }
}
