/**
 * The rows of `error_budget_spend` against what was signed about them: the attestation of the verification that spent
 * (its outcome, as long as it is not attested), every later attestation of the same release, and the rule itself.
 */
import type { Statement } from '@app/attestation';
import { nextLevel, openErrorBudget } from '@app/iam';
import type { AuditFinding } from '@app/ledger';
import type { Database, Tables } from '@app/persistence';
import type { Selectable } from 'kysely';
import type { AttestedBudget, VerificationSummary } from '../summary.js';

type SpendRow = Selectable<Tables['error_budget_spend']>;
type Attested = Omit<AttestedBudget, 'spentHere'>;

/** What one concluded verification says of the budget of its release. */
interface Account {
  readonly verificationId: string;
  readonly releaseId: string;
  readonly budget: AttestedBudget | null;
  readonly concludedAt: Date;
}

/** Attested name of each column that the statement repeats. */
const ATTESTED_COLUMNS = {
  rule: 'rule',
  target: 'target',
  horizon: 'horizon',
  epoch: 'epoch',
  place: 'place',
  alarms_before: 'alarmsBefore',
  p_value: 'pValue',
  level: 'level',
  alarm: 'alarm',
} as const satisfies Partial<Record<keyof SpendRow, keyof Attested>>;

/** @param statements what was signed, by verification */
export async function auditErrorBudget(
  db: Database,
  statements: ReadonlyMap<string, Statement>,
): Promise<AuditFinding[]> {
  const rows = await db.selectFrom('error_budget_spend').selectAll().orderBy('release_id').execute();
  const accounts = await accountsOf(db, statements);
  const findings = rows.flatMap((row) => [
    ...spenderFindings(row, accounts.get(row.verification_id)),
    ...columnFindings(row, accountsOn(row, accounts)),
    ...ruleFindings(row),
  ]);
  const spent = new Set(rows.map((row) => row.release_id));
  for (const { verificationId, releaseId, budget } of accounts.values()) {
    if (budget === null || spent.has(releaseId)) continue;
    findings.push(
      finding(
        releaseId,
        'release_id',
        `verification ${verificationId} says what it spent; the row is missing`,
      ),
    );
  }
  return findings;
}

async function accountsOf(
  db: Database,
  statements: ReadonlyMap<string, Statement>,
): Promise<Map<string, Account>> {
  const rows = await db
    .selectFrom('verification_outcome')
    .innerJoin('verification', 'verification.verification_id', 'verification_outcome.verification_id')
    .select(['verification.verification_id', 'verification.release_id', 'summary', 'concluded_at'])
    .execute();
  return new Map(
    rows.map((row) => {
      const signed = statements.get(row.verification_id)?.predicate;
      const told = (row.summary as Partial<VerificationSummary>).errorBudget ?? null;
      return [
        row.verification_id,
        {
          verificationId: row.verification_id,
          releaseId: signed?.release.id ?? row.release_id,
          budget: signed ? ((signed.errorBudget ?? null) as AttestedBudget | null) : told,
          concludedAt: row.concluded_at,
        },
      ];
    }),
  );
}

const accountsOn = ({ release_id }: SpendRow, accounts: ReadonlyMap<string, Account>): Account[] =>
  [...accounts.values()].filter(({ releaseId, budget }) => releaseId === release_id && budget !== null);

function finding(releaseId: string, column: string, problem: string): AuditFinding {
  return {
    log: 'error_budget_spend',
    index: releaseId,
    field: `error_budget_spend.${column}`,
    problem,
  };
}

/** Is the row's verification the one that spent, and did it do so when it concluded? */
function spenderFindings(row: SpendRow, spender: Account | undefined): AuditFinding[] {
  const { release_id: id } = row;
  if (!spender?.budget?.spentHere)
    return [finding(id, 'verification_id', 'that verification does not say that it spent the budget')];
  if (spender.releaseId !== id)
    return [finding(id, 'release_id', `the verification that spent is one of release ${spender.releaseId}`)];
  if (spender.concludedAt.getTime() === row.spent_at.getTime()) return [];
  return [finding(id, 'spent_at', 'is not when the verification that spent was concluded')];
}

/** Each column against every verification of the release: the later ones repeat what the first one spent. */
function columnFindings(row: SpendRow, accounts: readonly Account[]): AuditFinding[] {
  const columns = Object.entries(ATTESTED_COLUMNS) as [keyof typeof ATTESTED_COLUMNS, keyof Attested][];
  return accounts.flatMap(({ verificationId, budget }) =>
    columns
      .filter(([column, attested]) => row[column] !== budget![attested])
      .map(([column, attested]) =>
        finding(
          row.release_id,
          column,
          `verification ${verificationId} says ${attested} = ${String(budget![attested])}`,
        ),
      ),
  );
}

/** The level follows from place and alarms by the rule; a row and statements changed together still obey arithmetic. */
function ruleFindings(row: SpendRow): AuditFinding[] {
  const { target, horizon, epoch, place, alarms_before: alarms } = row;
  const level = nextLevel({ ...openErrorBudget(), target, horizon, epoch, tested: place, alarms });
  if (row.level === level) return [];
  return [finding(row.release_id, 'level', `the rule gives ${String(level)} at this place`)];
}
