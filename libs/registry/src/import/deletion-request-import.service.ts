/**
 * Bulk import of deletion requests: a stream of lines, filed chunk by chunk. A chunk is one append: all of its acceptable
 * requests are filed or none is, and it is acknowledged when they are durable. Lines that cannot be filed are reported with
 * number and code; they hold up no other line. A chunk that was filed before, under the same import key, is known again by
 * its first line and its digest, so an import may be sent again as often as needed, whole or from where it broke off.
 * Proven by test/medium/registry-import.spec.ts.
 */
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '@app/config';
import { invariant } from '@app/errors';
import { decompress, splitLines } from '@app/inference';
import { CLOCK, type Clock, LedgerError, LedgerService } from '@app/ledger';
import type { Tx } from '@app/persistence';
import { z } from 'zod';
import { DeletionRequestRepository } from '../deletion-request.repository.js';
import { RegistryError } from '../errors.js';
import { type Filing, prepareFiling, samplesOf } from '../filing.js';
import { markFiling } from '../filing-marker.js';
import { parseActor, parseInput, printable } from '../input.js';
import { ModelService } from '../model.service.js';
import { SampleSetRepository } from '../sample-set.repository.js';
import { VerificationTrigger } from '../verification-trigger.service.js';
import { type Chunk, chunksOf, type RefusedLine, refusalOf } from './chunk.js';
import { importFaults as faults } from './import-faults.js';

/** A request of 100,000 samples with long names. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;
/** Idempotency keys end at 200 characters, and a chunk's has the number of its line. */
const MAX_KEY_LENGTH = 180;
const SCOPE = 'deletion-import';

const importInput = z.strictObject({
  key: printable(MAX_KEY_LENGTH),
  /** Number, in the import's file, of the first line that is sent. */
  firstLine: z.int().min(1).max(1e12).default(1),
});
export type ImportInput = z.input<typeof importInput>;

/** Lines `firstLine` to `lastLine` are dealt with, durably. */
export interface ImportedChunk {
  readonly firstLine: number;
  readonly lastLine: number;
  readonly requests: number;
  readonly commitments: number;
  readonly refused: readonly RefusedLine[];
}

export interface ImportState {
  /** Where an import that broke off goes on: every line before it is dealt with. */
  readonly nextLine: number;
  readonly requests: number;
  readonly commitments: number;
  readonly refused: number;
}

interface Accepted {
  readonly line: number;
  readonly filing: Filing;
}

@Injectable()
export class DeletionRequestImportService {
  constructor(
    private readonly requests: DeletionRequestRepository,
    private readonly models: ModelService,
    private readonly sets: SampleSetRepository,
    private readonly trigger: VerificationTrigger,
    private readonly ledger: LedgerService,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Pick<Config, 'LACUNA_UPLOAD_MAX_BYTES'>,
  ) {}

  /**
   * Yields each chunk once it is durable, in order; reads on only while chunks can be filed.
   * @param bytes NDJSON, gzip or not, at most LACUNA_UPLOAD_MAX_BYTES after decompression
   * @throws RegistryError REGISTRY_INPUT_INVALID, REGISTRY_IMPORT_TOO_LARGE, REGISTRY_IMPORT_COMPRESSION_BROKEN,
   *   REGISTRY_IMPORT_EMPTY, REGISTRY_IMPORT_CONFLICT; what the ledger refuses for a while (retryable). Chunks yielded
   *   before stay filed.
   */
  async *import(
    bytes: AsyncIterable<Uint8Array>,
    input: ImportInput,
    actor: string,
  ): AsyncGenerator<ImportedChunk> {
    const filedBy = parseActor(actor);
    const { key, firstLine } = parseInput(importInput, input);
    const text = decompress(bytes, { maxBytes: this.config.LACUNA_UPLOAD_MAX_BYTES, faults });
    const lines = splitLines(text, { maxLineBytes: MAX_LINE_BYTES, faults });
    let empty = true;
    for await (const chunk of ahead(chunksOf(lines, firstLine))) {
      empty = false;
      yield await this.file(chunk, key, filedBy);
    }
    if (empty) throw new RegistryError('REGISTRY_IMPORT_EMPTY', 'the import has no line');
  }

  /** How far the import under `key` has come; all zero where there is none. @throws RegistryError REGISTRY_INPUT_INVALID */
  async state(key: string): Promise<ImportState> {
    const parsed = parseInput(importInput, { key });
    const chunks = (await this.stored(parsed.key)).sort((a, b) => a.firstLine - b.firstLine);
    let nextLine = 1;
    // Behind a hole (a chunk of refused lines only) later chunks are filed already; sending them again does no harm.
    for (const chunk of chunks) if (chunk.firstLine === nextLine) nextLine = chunk.lastLine + 1;
    const sum = (of: (chunk: ImportedChunk) => number) =>
      chunks.reduce((total, chunk) => total + of(chunk), 0);
    return {
      nextLine,
      requests: sum((chunk) => chunk.requests),
      commitments: sum((chunk) => chunk.commitments),
      refused: sum((chunk) => chunk.refused.length),
    };
  }

  private async file(chunk: Chunk, key: string, filedBy: string): Promise<ImportedChunk> {
    const known = await this.knownModels(chunk);
    const refused = [...chunk.refused];
    const accepted: Accepted[] = [];
    const filedAt = this.clock();
    for (const { line, content } of chunk.requests) {
      try {
        const filing = prepareFiling(content, { filedBy, filedAt });
        if ([...filing.samplesByModel.keys()].every((modelId) => known.has(modelId)))
          accepted.push({ line, filing });
        else refused.push({ line, code: 'REGISTRY_NOT_FOUND', message: 'there is no such model' });
      } catch (error) {
        refused.push(refusalOf(line, error));
      }
    }
    return this.append(chunk, { accepted, refused }, { scope: SCOPE, key: `${key}:${chunk.firstLine}` });
  }

  private async append(
    chunk: Chunk,
    {
      accepted,
      refused,
    }: { readonly accepted: readonly Accepted[]; readonly refused: readonly RefusedLine[] },
    filedUnder: { readonly scope: string; readonly key: string },
  ): Promise<ImportedChunk> {
    const hits = await this.inCalibration(accepted);
    const filings = accepted.filter(({ line }) => !hits.has(line)).map(({ filing }) => filing);
    const outcome = {
      firstLine: chunk.firstLine,
      lastLine: chunk.lastLine,
      requests: filings.length,
      commitments: filings.reduce((sum, { request }) => sum + request.sampleCount, 0),
      refused: [...refused, ...[...hits].map(calibrationRefusal)].sort((a, b) => a.line - b.line),
    };
    // Nothing to append, and nothing that a second time could do twice.
    if (filings.length === 0) return outcome;
    try {
      const stored = await this.ledger.append({
        idempotency: { ...filedUnder, content: { digest: chunk.digest, lastLine: chunk.lastLine } },
        events: [],
        commitments: filings.flatMap(({ commitments }) => commitments),
        write: async (tx) => {
          await markFiling(tx);
          await this.refuseCalibration(tx, filings);
          await this.requests.insertAll(
            tx,
            filings.map(({ request }) => request),
            filedUnder,
          );
          for (const modelId of samplesOf(filings).keys())
            await this.trigger.forCurrentRelease(tx, modelId, 'commitments');
          return { ...outcome, refused: outcome.refused.map((one) => ({ ...one })) };
        },
      });
      return stored;
    } catch (error) {
      return this.afterRefusal(error, { chunk, accepted, refused, filedUnder });
    }
  }

  private async afterRefusal(
    error: unknown,
    { chunk, accepted, refused, filedUnder }: Refusal,
  ): Promise<ImportedChunk> {
    const code = error instanceof RegistryError || error instanceof LedgerError ? error.code : null;
    // A calibration set was registered between the look and the lock: look again.
    if (code === 'REGISTRY_CALIBRATION_COMMITTED')
      return this.append(chunk, { accepted, refused }, filedUnder);
    if (code === 'LEDGER_CONTENT_ERASED') return this.erasedChunk(chunk, filedUnder.key);
    if (code === 'LEDGER_IDEMPOTENCY_CONFLICT') {
      throw new RegistryError(
        'REGISTRY_IMPORT_CONFLICT',
        `from line ${chunk.firstLine} on, another file was imported under this key; choose a new key for a new file`,
        { cause: error, details: { line: chunk.firstLine } },
      );
    }
    throw error;
  }

  /** What was answered when the chunk was filed; since then a request of it was erased, and with it the chunk's digest. */
  private async erasedChunk({ firstLine }: Chunk, key: string): Promise<ImportedChunk> {
    const [stored] = await this.ledger.responsesUnder(SCOPE, key);
    invariant(stored, `the chunk of line ${firstLine} was filed`);
    return stored as ImportedChunk;
  }

  private async knownModels({ requests }: Chunk): Promise<ReadonlySet<string>> {
    const named = new Set(requests.flatMap(({ content }) => content.samples.map(({ modelId }) => modelId)));
    return new Set((await this.models.getMany([...named])).map(({ modelId }) => modelId));
  }

  /** Lines that name a sample of a calibration set. */
  private async inCalibration(accepted: readonly Accepted[]): Promise<ReadonlySet<number>> {
    const hits = new Set<number>();
    for (const [modelId, samples] of samplesOf(accepted.map(({ filing }) => filing))) {
      const calibration = new Set(await this.sets.inCalibration(modelId, samples));
      if (calibration.size === 0) continue;
      for (const { line, filing } of accepted) {
        if (filing.samplesByModel.get(modelId)?.some((sample) => calibration.has(sample))) hits.add(line);
      }
    }
    return hits;
  }

  private async refuseCalibration(tx: Tx, filings: readonly Filing[]): Promise<void> {
    for (const [modelId, samples] of samplesOf(filings)) {
      if ((await this.sets.firstInCalibration(tx, modelId, samples)) === null) continue;
      throw new RegistryError('REGISTRY_CALIBRATION_COMMITTED', CALIBRATION_MESSAGE);
    }
  }

  private async stored(key: string): Promise<ImportedChunk[]> {
    const responses = await this.ledger.responsesUnder(SCOPE, `${key}:`);
    return responses.map((response) => response as ImportedChunk);
  }
}

interface Refusal {
  readonly chunk: Chunk;
  readonly accepted: readonly Accepted[];
  readonly refused: readonly RefusedLine[];
  readonly filedUnder: { readonly scope: string; readonly key: string };
}

const CALIBRATION_MESSAGE = 'the request names a sample of a calibration set, which was never trained on';

const calibrationRefusal = (line: number): RefusedLine => ({
  line,
  code: 'REGISTRY_CALIBRATION_COMMITTED',
  message: CALIBRATION_MESSAGE,
});

/** The same items, the next one being made while the last one is used. */
async function* ahead<Item>(items: AsyncGenerator<Item, void>): AsyncGenerator<Item> {
  let next = items.next();
  try {
    for (;;) {
      const item = await next;
      if (item.done) return;
      next = items.next();
      // Whoever stops taking items has no use for the error of the one after.
      next.catch(() => undefined);
      yield item.value;
    }
  } finally {
    await items.return();
  }
}
