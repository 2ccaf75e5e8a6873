/** Drift checks as others see them. Proven by test/medium/endpoint-drift.spec.ts. */
import { Injectable } from '@nestjs/common';
import { INDEX_KEY, type Page, pageOf, type PageRequest, pageSize, readCursor } from '../page.js';
import {
  type DriftCheckFilter,
  DriftCheckRepository,
  type RecordedDriftCheck,
} from './drift-check.repository.js';

@Injectable()
export class DriftCheckService {
  constructor(private readonly checks: DriftCheckRepository) {}

  /** Newest first. @throws VERIFICATION_CURSOR_INVALID */
  async list(filter: DriftCheckFilter, page: PageRequest): Promise<Page<RecordedDriftCheck>> {
    const size = pageSize(page);
    const before = page.after === undefined ? null : BigInt(readCursor(page.after, INDEX_KEY));
    const rows = await this.checks.list(filter, before, size + 1);
    return pageOf(rows, size, ({ eventIndex }) => String(eventIndex));
  }
}
