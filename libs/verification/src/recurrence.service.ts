/**
 * Recurrences: found when a verification is attested, appended to the event log together with its attestation, and
 * listed. Proven by test/medium/verification-releases.spec.ts.
 */
import { randomUUID } from 'node:crypto';
import type { EventDraft } from '@app/ledger';
import type { Tx } from '@app/persistence';
import { Injectable } from '@nestjs/common';
import { FactsRepository } from './facts.repository.js';
import { INDEX_KEY, type Page, pageOf, type PageRequest, pageSize, readCursor } from './page.js';
import { findRecurrences } from './recurrence.js';
import {
  type RecordedRecurrence,
  type RecurrenceFilter,
  RecurrenceRepository,
} from './recurrence.repository.js';
import type { Verification } from './verification.repository.js';

/** Type of the event that names a recurrence. */
export const RECURRENCE_EVENT = 'recurrence-detected';

export type NewRecurrence = Omit<RecordedRecurrence, 'eventIndex'>;

@Injectable()
export class RecurrenceService {
  constructor(
    private readonly recurrences: RecurrenceRepository,
    private readonly facts: FactsRepository,
  ) {}

  /** Requests for which the verification's release is the first bad one after a clean one, and nobody said so yet. */
  async detect(
    { verificationId, releaseId, modelId }: Verification,
    detectedAt: Date,
  ): Promise<NewRecurrence[]> {
    const { ordinal } = (await this.facts.release(releaseId))!;
    const histories = await this.recurrences.residualHistories(verificationId, { modelId, ordinal });
    const recorded = histories.size > 0 ? await this.recurrences.recordedUnder(releaseId) : new Set();
    return [...histories].flatMap(([requestId, history]) => {
      const last = findRecurrences(history).at(-1);
      if (last?.firstBad !== releaseId || recorded.has(requestId)) return [];
      return {
        recurrenceId: randomUUID(),
        modelId,
        requestId,
        verificationId,
        firstBadRelease: releaseId,
        lastCleanRelease: last.lastClean,
        unclearReleases: last.unclear,
        detectedAt,
      };
    });
  }

  async insert(tx: Tx, recurrence: RecordedRecurrence): Promise<void> {
    await this.recurrences.insert(tx, recurrence);
  }

  /** In order of detection. */
  async list(filter: RecurrenceFilter, page: PageRequest): Promise<Page<RecordedRecurrence>> {
    const size = pageSize(page);
    const after = page.after === undefined ? null : BigInt(readCursor(page.after, INDEX_KEY));
    const rows = await this.recurrences.list(filter, after, size + 1);
    return pageOf(rows, size, ({ eventIndex }) => String(eventIndex));
  }
}

/** The event of one recurrence: every column of its row, so that an audit can compare them. */
export function recurrenceEvent({ detectedAt, unclearReleases, ...ids }: NewRecurrence): EventDraft {
  return {
    type: RECURRENCE_EVENT,
    subjectId: ids.requestId,
    content: { ...ids, unclearReleases: [...unclearReleases], detectedAt: detectedAt.toISOString() },
  };
}
