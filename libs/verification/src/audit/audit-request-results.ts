/** The rows of `request_result` against the result leaves of each request's commitments. */
import type { ResultLeaf } from '@app/attestation';
import type { AuditFinding } from '@app/ledger';
import type { Database, Tables } from '@app/persistence';
import type { Selectable } from 'kysely';
import type { VerificationSummary } from '../summary.js';

/** Sums over thousands of millionths in float64, in whatever order: far below one millionth. */
const STATISTIC_TOLERANCE = 1e-9;

/** Verdicts that are decided per sample; all others are the request's. */
const OF_SAMPLES: readonly string[] = ['UNSCORABLE', 'NO_LONGER_VERIFIABLE', 'NOT_APPLICABLE'];

interface Sums {
  scored: number;
  /** Millionths: exact below 2^53. */
  total: number;
  readonly verdicts: Set<string>;
}

/** What the leaves of each request add up to. */
export class RequestTally {
  readonly byRequest = new Map<string, Sums>();
  /** Leaves whose request is no longer known: what was erased cannot be attributed. */
  unattributed = 0;

  add(requestId: string | null, leaf: ResultLeaf): void {
    if (requestId === null) {
      this.unattributed += 1;
      return;
    }
    const sums = this.byRequest.get(requestId) ?? { scored: 0, total: 0, verdicts: new Set<string>() };
    this.byRequest.set(requestId, sums);
    if (leaf.score !== null) {
      sums.scored += 1;
      sums.total += leaf.score;
    }
    if (!OF_SAMPLES.includes(leaf.verdict)) sums.verdicts.add(leaf.verdict);
  }
}

type Row = Selectable<Tables['request_result']>;

export async function auditRequestResults(
  db: Database,
  verificationId: string,
  tally: RequestTally,
  summary: VerificationSummary,
): Promise<AuditFinding[]> {
  const rows = await db
    .selectFrom('request_result')
    .selectAll()
    .where('verification_id', '=', verificationId)
    .execute();
  const findings = rows.flatMap((row) => {
    const sums = tally.byRequest.get(row.request_id);
    if (sums) return rowFindings(row, sums);
    if (tally.unattributed > 0) return [];
    return [finding(row, 'request_id', 'the request has no commitment in this verification')];
  });
  const known = new Set(rows.map((row) => row.request_id));
  for (const requestId of tally.byRequest.keys())
    if (!known.has(requestId))
      findings.push(
        finding(
          { verification_id: verificationId, request_id: requestId },
          'request_id',
          'the row is missing',
        ),
      );
  return [...findings, ...countFindings(verificationId, rows, summary)];
}

function finding(
  row: Pick<Row, 'verification_id' | 'request_id'>,
  column: string,
  problem: string,
): AuditFinding {
  const index = `${row.verification_id}/${row.request_id}`;
  return { log: 'request_result', index, field: `request_result.${column}`, problem };
}

function rowFindings(row: Row, sums: Sums): AuditFinding[] {
  const findings: AuditFinding[] = [];
  const verdicts = [...sums.verdicts];
  if (verdicts.some((verdict) => verdict !== row.verdict))
    findings.push(finding(row, 'verdict', `the attested leaves say ${verdicts.join(', ')}`));
  if (row.sample_count !== sums.scored)
    findings.push(finding(row, 'sample_count', `${sums.scored} attested leaves of it have a score`));
  const mean = sums.scored === 0 ? null : sums.total / 1e6 / sums.scored;
  if (!agree(row.statistic, mean))
    findings.push(finding(row, 'statistic', `the mean of the attested scores is ${mean ?? 'none'}`));
  for (const column of ['p_residual', 'p_member', 'p_over'] as const) {
    const p = row[column];
    if (p !== null && !(p >= 0 && p <= 1)) findings.push(finding(row, column, 'is no probability'));
  }
  return findings;
}

function agree(stored: number | null, mean: number | null): boolean {
  if (stored === null || mean === null) return stored === mean;
  return Math.abs(stored - mean) <= STATISTIC_TOLERANCE;
}

function countFindings(
  verificationId: string,
  rows: readonly Row[],
  { counts }: VerificationSummary,
): AuditFinding[] {
  return Object.entries(counts.requests ?? {})
    .map(([verdict, said]) => ({
      verdict,
      said,
      found: rows.filter((row) => row.verdict === verdict).length,
    }))
    .filter(({ said, found }) => said !== found)
    .map(({ verdict, said, found }) => ({
      log: 'request_result',
      index: verificationId,
      field: 'request_result.verdict',
      problem: `${found} requests are ${verdict}, the outcome says ${said}`,
    }));
}
