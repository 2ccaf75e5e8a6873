/**
 * Does the stored content open the leaf, and do the columns say what the content says? Content, salt and columns are
 * kept side by side, so that a change of any one is found and named. Pure; proven by test/medium/audit.spec.ts.
 */
import { checkLeafOpening, type LeafOpening, TlogError } from '@app/tlog';
import type { AuditFinding } from './finding.js';

/** A column that must repeat what the content says under `key`. */
export interface MirroredColumn {
  readonly field: string;
  readonly key: string;
  readonly value: unknown;
}

export interface OpeningClaim {
  readonly table: 'event' | 'commitment_opening';
  readonly leaf: Uint8Array;
  readonly opening: LeafOpening;
  readonly columns: readonly MirroredColumn[];
}

type Place = Pick<AuditFinding, 'log' | 'index'>;

/** A column's value in the form the content has it: times ISO, digests hex, large integers decimal. */
export function asContent(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (typeof value === 'string') return value;
  return typeof value === 'bigint' ? value.toString() : JSON.stringify(value ?? null);
}

/** The content as an object; null for anything else. */
export function parsedContent(content: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(content);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function opens(claim: OpeningClaim): boolean {
  try {
    checkLeafOpening(claim.leaf, claim.opening);
    return true;
  } catch (error) {
    if (error instanceof TlogError) return false;
    throw error;
  }
}

/** The columns that do not say what the content says; all of them where it is no object. */
export function differingColumns(
  content: Readonly<Record<string, unknown>> | null,
  columns: readonly MirroredColumn[],
): MirroredColumn[] {
  return columns.filter(
    ({ key, value }) => content === null || !(key in content) || asContent(content[key]) !== asContent(value),
  );
}

/** What is wrong with one opening; empty when leaf, content, salt and columns agree. */
export function checkOpening(place: Place, claim: OpeningClaim): AuditFinding[] {
  const content = parsedContent(claim.opening.content);
  const differing = differingColumns(content, claim.columns);
  if (opens(claim)) {
    return differing.map(({ field, key }) => ({
      ...place,
      field,
      problem: `differs from "${key}" in the sealed content`,
    }));
  }
  if (content === null || differing.length > 0) {
    const keys = differing.map(({ key }) => key).join(', ');
    return [
      {
        ...place,
        field: `${claim.table}.content`,
        problem: `does not open the leaf; columns disagree on: ${keys}`,
      },
    ];
  }
  return [{ ...place, field: `${claim.table}.salt`, problem: 'salt and content do not open the leaf' }];
}
