/**
 * What a verification found, for programs and for people. Proven by account.spec.ts.
 */
import type { Check } from './check.js';
import type { AttestationError } from './errors.js';
import type { Predicate, Statement, Verdict } from './statement.js';
import { total, VERDICTS } from './statement.js';

export interface AttestationAccount {
  readonly kind: 'attestation';
  /** SHA-256 of the compact JWS, hexadecimal. */
  readonly digest: string;
  readonly statement: Statement;
  /** In the order in which they were made. */
  readonly checks: readonly Check[];
}

export interface BundledCommitment {
  /** Decimal string. */
  readonly leafIndex: string;
  readonly sample: string;
  /** 1 to `of`. */
  readonly position: number;
  readonly verdict: Verdict;
  /** Millionths; see `ResultLeaf`. */
  readonly score: number | null;
  readonly pResidual: number | null;
  readonly pMember: number | null;
}

export interface BundleAccount {
  readonly kind: 'bundle';
  readonly attestation: AttestationAccount;
  readonly request: string;
  readonly commitments: readonly BundledCommitment[];
  /** Those of the attestation, then the bundle's own. */
  readonly checks: readonly Check[];
}

/** The account as plain text of aligned lines, ending in a newline. */
export function formatAccount(account: AttestationAccount | BundleAccount): string {
  const lines = account.kind === 'attestation' ? attestationLines(account) : bundleLines(account);
  return `${lines.join('\n')}\n`;
}

/** A refusal as plain text: what held before it, then what did not and where. */
export function formatRefusal(error: AttestationError): string {
  const { where } = error.details;
  const place = where === undefined ? '' : ` at ${String(where)}`;
  return `${['REFUSED', ...checkLines(error.passed), `  failed   ${error.code}${place}: ${error.message}`].join('\n')}\n`;
}

function attestationLines({ statement, digest, checks }: AttestationAccount): string[] {
  return ['VERIFIED attestation', ...factLines(statement, digest), '', ...checkLines(checks)];
}

function bundleLines({ attestation, request, commitments, checks }: BundleAccount): string[] {
  const rows = commitments.map(({ position, leafIndex, sample, verdict, score }) => [
    `${position}/${commitments.length}`,
    leafIndex,
    sample,
    verdict,
    score === null ? '-' : (score / 1e6).toFixed(6),
  ]);
  return [
    `VERIFIED proof bundle of deletion request ${request}`,
    ...factLines(attestation.statement, attestation.digest),
    '',
    ...table([['', 'leaf', 'sample', 'verdict', 'score'], ...rows]),
    '',
    ...checkLines(checks),
  ];
}

function factLines({ predicate, subject }: Statement, digest: string): string[] {
  const { model, release, commitmentLog, results, calibration, controls } = predicate;
  return table([
    ['result', [predicate.result, ...predicate.reasons].join(' ')],
    ['model', `${model.name} (${model.id})`],
    ['release', `${release.name} (${release.id})`],
    ['artifact', `${predicate.artifact.kind} sha256:${subject[0]?.digest.sha256 ?? ''}`],
    ['', predicate.artifact.note],
    ...(predicate.runtimes ?? []).map((model) => ['run', runtimeLine(model)]),
    ['commitments', `${commitmentLog.treeSize} in ${commitmentLog.origin}`],
    ['by request', verdictLine(results.verdicts.requests)],
    ['by sample', verdictLine(results.verdicts.samples)],
    ['power', powerLine(predicate)],
    ...(predicate.errorBudget ? [['alarm', alarmLine(predicate.errorBudget)]] : []),
    [
      'calibration',
      `${calibration.size} samples, ${calibrationMode(calibration)}; ${controls.size} controls`,
    ],
    ...requestTestLines(predicate),
    ['profile', `${predicate.profile.id} sha256:${predicate.profile.digest}`],
    ['verified', `${predicate.verifiedAt} by ${predicate.verifier.id} ${predicate.verifier.version}`],
    ['expires', predicate.expiresAt],
    ['attestation', `sha256:${digest}`],
    ...predicate.warnings.map((warning) => ['warning', warning]),
  ]);
}

function requestTestLines({ requestTest }: Statement['predicate']): string[][] {
  if (!requestTest) return [];
  const { groupTest, clusters, assumption } = requestTest;
  const many = clusters ? `, ${clusters.calibration} of calibration, ${clusters.controls} of controls` : '';
  return [
    ['test', `${groupTest}${many}`],
    ['', assumption],
  ];
}

function runtimeLine({ role, name, runtime, backends, sha256 }: NonNullable<Predicate['runtimes']>[number]) {
  const by = backends.length === 0 ? 'known signals' : backends.join(' and ');
  return `${role} ${name} (${runtime}) by ${by}, sha256:${sha256}`;
}

function calibrationMode({ mode, trustedUnder }: Statement['predicate']['calibration']): string {
  if (mode === 'same-release') return 'scored under the same release';
  return trustedUnder === undefined ? 'frozen' : `frozen under release ${trustedUnder}`;
}

function verdictLine(counts: Readonly<Record<Verdict, number>>): string {
  const parts = VERDICTS.filter((verdict) => counts[verdict] > 0).map((v) => `${v} ${counts[v]}`);
  return parts.length === 0 ? 'none' : `${parts.join(', ')} (${total(counts)} in all)`;
}

function powerLine({ power, operatingFalsePositiveRate }: Statement['predicate']): string {
  if (power === null) return 'not measured';
  const { perRequest, perSample, confidence } = power;
  const interval = ({ rate, low, high }: { rate: number; low: number; high: number }) =>
    `${rate.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`;
  return (
    `${interval(perRequest)} per request of ${perRequest.groupSize}, ${interval(perSample)} per sample, ` +
    `confidence ${confidence}, at false-positive rate ${operatingFalsePositiveRate}`
  );
}

function alarmLine(budget: NonNullable<Statement['predicate']['errorBudget']>): string {
  const { alarm, pValue, level, target, epoch, place, horizon } = budget;
  const figure = (value: number) => String(Number(value.toPrecision(3)));
  return (
    `${alarm ? 'yes' : 'no'}: p ${figure(pValue)} against level ${figure(level)}, release ${place + 1} of ${horizon} ` +
    `in epoch ${epoch + 1}, false alarms at most ${target}`
  );
}

function checkLines(checks: readonly Check[]): string[] {
  const width = Math.max(0, ...checks.map(({ name }) => name.length));
  return checks.map(
    ({ name, outcome, detail }) => `  ${outcome.padEnd(7)}  ${name.padEnd(width)}  ${detail}`,
  );
}

/** Rows with each column but the last padded to its widest cell, indented by two. */
function table(rows: readonly (readonly string[])[]): string[] {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, i) =>
    Math.max(...rows.map((row) => row[i]?.length ?? 0)),
  );
  return rows.map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd());
}
