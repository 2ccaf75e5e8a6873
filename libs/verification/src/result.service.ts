/** What verifications found: figures, request verdicts, leaf results. Proven by test/medium/verification.spec.ts. */
import { parseResultLeaf, type ResultLeaf } from '@app/attestation';
import { Injectable } from '@nestjs/common';
import { VerificationError } from './errors.js';
import { INDEX_KEY, type Page, pageOf, type PageRequest, pageSize, readCursor, UUID_KEY } from './page.js';
import { BLOCK_WIDTH } from './plan.js';
import { type Outcome, type RequestResult, ResultRepository } from './result.repository.js';
import { VerificationService } from './verification.service.js';
import type { RequestVerdict } from './verdict.js';

@Injectable()
export class ResultService {
  constructor(
    private readonly results: ResultRepository,
    private readonly verifications: VerificationService,
  ) {}

  /** Null until the verification is concluded. */
  async outcome(verificationId: string): Promise<Outcome | null> {
    return (await this.results.outcome(verificationId)) ?? null;
  }

  /** The verdict on each deletion request, by request id. */
  async requestResults(
    verificationId: string,
    filter: { readonly verdict?: RequestVerdict | undefined },
    page: PageRequest,
  ): Promise<Page<RequestResult>> {
    const size = pageSize(page);
    const after = page.after === undefined ? null : readCursor(page.after, UUID_KEY);
    const rows = await this.results.requestResults(verificationId, filter, after, size + 1);
    return pageOf(rows, size, ({ requestId }) => requestId);
  }

  /** Null when the verification did not cover the request, or is not concluded. */
  async requestResult(verificationId: string, requestId: string): Promise<RequestResult | null> {
    return (await this.results.requestResult(verificationId, requestId)) ?? null;
  }

  /** What every verification said about one request, newest first; at most `limit`. */
  historyOf(requestId: string, limit: number): Promise<RequestResult[]> {
    return this.results.historyOf(requestId, pageSize({ first: limit }));
  }

  /** The results of single commitments, in leaf order. */
  async leafResults(verificationId: string, page: PageRequest): Promise<Page<ResultLeaf>> {
    const size = pageSize(page);
    const from = page.after === undefined ? 0n : BigInt(readCursor(page.after, INDEX_KEY)) + 1n;
    const rows: ResultLeaf[] = [];
    for await (const line of this.lines(verificationId, from)) {
      rows.push(parseResultLeaf(line));
      if (rows.length > size) break;
    }
    return pageOf(rows, size, ({ index }) => String(index));
  }

  /** The results of the commitments at `indexes`; absent ones (not concluded, not covered) are left out. */
  async leafResultsAt(verificationId: string, indexes: readonly bigint[]): Promise<ResultLeaf[]> {
    const found: ResultLeaf[] = [];
    const blocks = new Map<number, string[]>();
    for (const index of indexes) {
      const blockIndex = Number(index / BigInt(BLOCK_WIDTH));
      const lines =
        blocks.get(blockIndex) ?? (await this.results.blockLeaves(verificationId, blockIndex)) ?? [];
      blocks.set(blockIndex, lines);
      const line = lines[Number(index % BigInt(BLOCK_WIDTH))];
      if (line !== undefined) found.push(parseResultLeaf(line));
    }
    return found;
  }

  /**
   * All N result leaves from leaf index `from` on, as they were attested: one canonical JSON line each, without line
   * ends. One block is in memory at a time.
   * @throws VERIFICATION_UNKNOWN, VERIFICATION_RESULTS_CORRUPT where a concluded verification lacks a block
   */
  async *lines(verificationId: string, from = 0n): AsyncGenerator<string> {
    const { treeSize, result } = await this.verifications.get(verificationId);
    if (result === null) return;
    const width = BigInt(BLOCK_WIDTH);
    for (let blockIndex = from / width; blockIndex * width < treeSize; blockIndex++) {
      const leaves = await this.results.blockLeaves(verificationId, Number(blockIndex));
      if (!leaves) {
        throw new VerificationError('VERIFICATION_RESULTS_CORRUPT', 'a block of results is missing', {
          details: { blockIndex: Number(blockIndex) },
        });
      }
      yield* blockIndex * width < from ? leaves.slice(Number(from % width)) : leaves;
    }
  }
}
