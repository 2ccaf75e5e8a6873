/** What `lacuna timeline` prints. Proven by timeline-report.spec.ts. */
import Table from 'cli-table3';

export interface TimelineVerdict {
  readonly requestId: string;
  readonly verdict: string;
  readonly statistic: number | null;
  /** Residual again, for the first time after a clean release. */
  readonly recurred: boolean;
}

/** An endpoint was asked again for known signals. */
export interface TimelineDriftCheck {
  readonly checkedAt: string;
  readonly outcome: string;
  readonly generation: number;
  readonly sampled: number;
  readonly differing: number;
  readonly largestDifference: number | null;
  readonly errorCode: string | null;
}

/** One release as the daemon answers `timeline`; times in ISO 8601. */
export interface TimelineRelease {
  readonly release: {
    readonly id: string;
    readonly name: string;
    readonly registeredAt: string;
    readonly isCurrent: boolean;
    readonly withdrawal: { readonly reason: string; readonly at: string } | null;
    readonly supersession: {
      readonly at: string;
      readonly successor: { readonly id: string; readonly name: string };
    } | null;
    /** Newest first: checks that found a difference, and the latest one. */
    readonly drifts: { readonly nodes: readonly TimelineDriftCheck[] };
    readonly latestCheck: { readonly nodes: readonly TimelineDriftCheck[] };
  };
  readonly verification: {
    readonly id: string;
    readonly result: string;
    readonly cause: string;
    readonly treeSize: string;
  } | null;
  readonly verifiedAt: string | null;
  readonly attestedAt: string | null;
  readonly attestationCount: number;
  readonly renewalCount: number;
  readonly latestAttestation: {
    readonly id: string;
    readonly issuedAt: string;
    readonly expiresAt: string;
  } | null;
  readonly requests: readonly TimelineVerdict[];
}

/** One letter a verdict; a recurrence is an exclamation mark. */
const LETTERS: Readonly<Record<string, string>> = {
  NO_RESIDUAL_EVIDENCE: '.',
  RESIDUAL: 'R',
  OVER_UNLEARNED: 'o',
  INCONCLUSIVE: '?',
  UNSCORABLE: 'u',
  NO_LONGER_VERIFIABLE: 'e',
  NOT_APPLICABLE: '-',
};
/** As a recurrence has it. */
const CLEAN: ReadonlySet<string> = new Set(['NO_RESIDUAL_EVIDENCE', 'OVER_UNLEARNED']);
const RECURRED = '!';
const UNTESTED = ' ';
/** Requests shown one by one; all are in `--json`. */
const SHOWN_REQUESTS = 40;

const plain = { style: { head: [], border: [] } };
const day = (time: string | null): string => time?.slice(0, 16).replace('T', ' ') ?? '-';

export function timelineAsText(
  model: { readonly id: string; readonly name: string },
  releases: readonly TimelineRelease[],
  plotFile: string | null,
): string {
  const rows = requestRows(releases);
  const more = rows.length - SHOWN_REQUESTS;
  return [
    `Model ${model.name} (${model.id}); times in UTC`,
    '',
    releasesTable(releases),
    ...driftLines(releases),
    ...(rows.length > 0
      ? [
          '',
          'Requests under the releases in this order, those that were ever residual first.',
          '. no residual evidence  R residual  ! residual again after a clean release  o over-unlearned  ? inconclusive',
          'u unscorable  e erased, no longer verifiable  - not applicable',
          ...rows.slice(0, SHOWN_REQUESTS).map(({ requestId, letters }) => `${requestId}  ${letters}`),
        ]
      : []),
    ...(more > 0 ? [`and ${more} more: see --json`] : []),
    ...(plotFile === null ? [] : [`plot: ${plotFile}`]),
    '',
  ].join('\n');
}

export interface RequestRow {
  readonly requestId: string;
  /** One letter a release. */
  readonly letters: string;
}

/** Every request of any release, those that were ever residual first, otherwise by id. */
export function requestRows(releases: readonly TimelineRelease[]): RequestRow[] {
  const rows = new Map<string, string[]>();
  for (const [place, { requests }] of releases.entries()) {
    for (const { requestId, verdict, recurred } of requests) {
      const letters = rows.get(requestId) ?? releases.map(() => UNTESTED);
      rows.set(requestId, letters);
      letters[place] = recurred ? RECURRED : (LETTERS[verdict] ?? verdict[0]!);
    }
  }
  return [...rows]
    .map(([requestId, letters]) => ({ requestId, letters: letters.join('') }))
    .sort((a, b) => rank(a) - rank(b) || (a.requestId < b.requestId ? -1 : 1));
}

const rank = ({ letters }: RequestRow): number => (/[R!]/.test(letters) ? 0 : 1);

function releasesTable(releases: readonly TimelineRelease[]): string {
  const table = new Table({
    head: [
      'release',
      'registered',
      'verified',
      'result',
      'clean',
      'residual',
      'back',
      'other',
      'attested',
      'expires',
    ],
    ...plain,
  });
  for (const one of releases) {
    const count = (fits: (verdict: TimelineVerdict) => boolean): number => one.requests.filter(fits).length;
    const clean = count(({ verdict }) => CLEAN.has(verdict));
    const residual = count(({ verdict }) => verdict === 'RESIDUAL');
    table.push([
      `${one.release.name}${standing(one)}`,
      day(one.release.registeredAt),
      day(one.verifiedAt),
      one.verification?.result ?? '-',
      clean,
      residual,
      count(({ recurred }) => recurred),
      one.requests.length - clean - residual,
      `${day(one.attestedAt)}${attestationNote(one)}`,
      day(one.latestAttestation?.expiresAt ?? null),
    ]);
  }
  return table.toString();
}

/** Every drift, and what the latest check found where that was none. */
function driftLines(releases: readonly TimelineRelease[]): string[] {
  const lines = releases.flatMap(({ release: { name, drifts, latestCheck } }) => {
    const latest = latestCheck.nodes.filter(({ outcome }) => outcome !== 'DIFFERENT');
    return [...latest, ...drifts.nodes].map(
      (check) => `${name}  ${day(check.checkedAt)}  ${driftWords(check)}`,
    );
  });
  return lines.length > 0
    ? ['', 'Endpoints that were asked again for known signals, newest first:', ...lines]
    : [];
}

function driftWords(check: TimelineDriftCheck): string {
  const { outcome, generation, sampled, differing, largestDifference, errorCode } = check;
  if (outcome === 'UNREACHABLE')
    return `UNREACHABLE: no answer (${errorCode ?? 'nothing to ask'}), nothing attested`;
  const most = largestDifference === null ? '' : `, largest difference ${largestDifference.toFixed(3)}`;
  if (outcome === 'SAME') return `SAME: ${sampled} asked${most}`;
  const why = errorCode === null ? '' : ` (${errorCode})`;
  return `DIFFERENT: ${differing} of ${sampled}${why}${most}; all signals measured anew, generation ${generation + 1}`;
}

function standing({ release: { isCurrent, withdrawal, supersession } }: TimelineRelease): string {
  if (withdrawal) return `\nwithdrawn ${day(withdrawal.at)}: ${withdrawal.reason}`;
  if (supersession) return `\nsuperseded ${day(supersession.at)} by ${supersession.successor.name}`;
  return isCurrent ? '\ncurrent' : '';
}

function attestationNote({ attestationCount, renewalCount }: TimelineRelease): string {
  if (attestationCount < 2) return '';
  const renewed = renewalCount > 0 ? `, ${renewalCount} renewed` : '';
  return `\n${attestationCount} in all${renewed}`;
}
