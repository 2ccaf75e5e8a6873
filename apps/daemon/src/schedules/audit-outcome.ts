/** What the last scheduled audit left in `schedule_run.summary`: for metrics and readiness, of whichever daemon ran it. */
import { z } from 'zod';

/** Name of the schedule. */
export const AUDIT_SCHEDULE = 'audit';
/** Findings that are kept and told; the audit by hand prints all of them. */
export const TOLD_FINDINGS = 5;

const outcome = z.object({
  extent: z.enum(['all', 'new']),
  entries: z.number(),
  seconds: z.number(),
  findings: z.number(),
  first: z.array(z.string()),
});

export type AuditOutcome = z.infer<typeof outcome>;

/** Null for a summary that is no outcome: the row that marks when the schedule began. */
export function parseOutcome(summary: unknown): AuditOutcome | null {
  return outcome.safeParse(summary).data ?? null;
}
