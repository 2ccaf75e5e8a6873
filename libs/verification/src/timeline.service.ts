/**
 * A model's history, release by release and request by request: what the newest verification of each release says, what
 * came back under it, and how long its attestations hold. Proven by test/medium/daemon-main-flow.spec.ts.
 */
import { Injectable } from '@nestjs/common';
import { INDEX_KEY, type Page, pageOf, type PageRequest, pageSize, readCursor } from './page.js';
import { RecurrenceRepository } from './recurrence.repository.js';
import type { RequestResult } from './result.repository.js';
import { ResultService } from './result.service.js';
import { type TimelineEntry, TimelineRepository } from './timeline.repository.js';

/** The verdict on one request under one release. */
export interface TimelineRequest extends RequestResult {
  /** True where the release is the first under which the request is residual again after a clean one. */
  readonly recurred: boolean;
}

@Injectable()
export class TimelineService {
  constructor(
    private readonly timelines: TimelineRepository,
    private readonly results: ResultService,
    private readonly recurrences: RecurrenceRepository,
  ) {}

  /** In order of registration. @throws VERIFICATION_CURSOR_INVALID */
  async list(modelId: string, page: PageRequest): Promise<Page<TimelineEntry>> {
    const size = pageSize(page);
    const after = page.after === undefined ? -1 : Number(readCursor(page.after, INDEX_KEY));
    const rows = await this.timelines.entries(modelId, after, size + 1);
    return pageOf(rows, size, ({ ordinal }) => String(ordinal));
  }

  /** By request id; empty before the release's first verification is concluded. @throws VERIFICATION_CURSOR_INVALID */
  async requests(
    { releaseId, verificationId }: Pick<TimelineEntry, 'releaseId' | 'verificationId'>,
    page: PageRequest,
  ): Promise<Page<TimelineRequest>> {
    if (verificationId === null) return pageOf<TimelineRequest>([], 0, ({ requestId }) => requestId);
    const recurred = await this.recurrences.recordedUnder(releaseId);
    const results = await this.results.requestResults(verificationId, {}, page);
    return {
      ...results,
      items: results.items.map((result) => ({ ...result, recurred: recurred.has(result.requestId) })),
    };
  }
}
