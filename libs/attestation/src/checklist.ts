import type { Check } from './check.js';
import { AttestationError } from './errors.js';

/** Notes checks in the order in which they are made. */
export class Checklist {
  readonly checks: Check[] = [];

  /** Takes over the checks of a part that was verified on its own. */
  adopt(checks: readonly Check[]): void {
    this.checks.push(...checks);
  }

  ok(name: string, detail: string): void {
    this.checks.push({ name, outcome: 'ok', detail });
  }

  skipped(name: string, detail: string): void {
    this.checks.push({ name, outcome: 'skipped', detail });
  }
}

/** What `work` returns; a refusal inside it leaves with the checks that held before it. */
export async function withChecklist<T>(work: (checklist: Checklist) => Promise<T>): Promise<T> {
  const checklist = new Checklist();
  try {
    return await work(checklist);
  } catch (error) {
    throw error instanceof AttestationError ? error.after([...checklist.checks, ...error.passed]) : error;
  }
}
