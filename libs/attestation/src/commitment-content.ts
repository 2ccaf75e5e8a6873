/**
 * The content that a commitment leaf seals. Only what a bundle must be checked for is required here; the
 * ledger writes more (regime, times), which travels along unread. Proven by verify-bundle.spec.ts.
 */
import { z } from 'zod';
import { count, name } from './fields.js';
import { readCanonical } from './reading.js';

/** The type of a commitment log leaf. */
export const COMMITMENT_LEAF_TYPE = 'commitment';

const contentSchema = z
  .looseObject({
    model: name,
    request: name,
    sample: name,
    /** 1 to `of`: which of the request's commitments this is. */
    position: count.min(1),
    /** How many commitments the request has in this model's log: a bundle with fewer leaves something out. */
    of: count.min(1),
  })
  .refine(({ position, of }) => position <= of, { path: ['position'], message: 'position exceeds of' });

export type CommitmentContent = z.infer<typeof contentSchema>;

/**
 * The content in `text`, which must be canonical JSON.
 * @param where path of the content in the document, for the refusal.
 * @throws BUNDLE_COMMITMENT_INVALID
 */
export function parseCommitmentContent(text: string, where: string): CommitmentContent {
  return readCanonical(contentSchema, text, { code: 'BUNDLE_COMMITMENT_INVALID', what: where, where });
}
