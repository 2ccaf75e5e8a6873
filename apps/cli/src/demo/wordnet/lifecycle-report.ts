/** What the lifecycle demo prints: tables with their explanation for people, one JSON object for programs. */
import Table from 'cli-table3';
import type { Recall, ReleaseRecipe, Rival } from '../../../../lab/src/index.js';
import { countsObject, countsText, rateText } from '../report.js';
import type { ReleaseFiles, ReleaseOutcome } from '../verified-releases.js';
import type { ListedRecurrence } from './recurrences.js';

export interface LifecycleReport {
  readonly releases: readonly {
    readonly recipe: ReleaseRecipe;
    readonly outcome: ReleaseOutcome;
    readonly files: ReleaseFiles;
    readonly checks: number;
  }[];
  readonly rivals: readonly Rival[];
  /** Deletion requests in all. */
  readonly requests: number;
  /** Numbers of the requests that the last release truly brings back. */
  readonly returning: readonly number[];
  readonly events: readonly ListedRecurrence[];
  /** The events of the last release against that truth. */
  readonly attested: Recall;
  readonly jwks: string;
  readonly plots: readonly string[];
  readonly trainingSeconds: number;
  readonly seconds: number;
}

const figure = (value: number | null): string => (value === null ? '-' : value.toFixed(3));
const list = (requests: readonly number[]): string => requests.map((number) => number + 1).join(', ');

export function reportAsJson(report: LifecycleReport): string {
  const { releases, rivals, returning, attested, events, ...rest } = report;
  return JSON.stringify({
    releases: releases.map(({ recipe, outcome, files, checks }) => ({
      name: recipe.name,
      holds: recipe.holds,
      result: outcome.result,
      reasons: outcome.reasons,
      requests: countsObject(outcome.requestCounts),
      power: outcome.power,
      auc: outcome.auc,
      work: outcome.work,
      files,
      checks,
    })),
    recurrence: { truth: returning, attested, events },
    scores: rivals.map(({ score, recurrence, releases: judged }) => ({
      score,
      recurrence,
      releases: judged.map(({ release, result, auc, powerPerRequest }) => ({
        release,
        result,
        auc,
        powerPerRequest,
      })),
    })),
    ...rest,
  });
}

export function reportAsText(report: LifecycleReport): string {
  const { releases, plots, jwks, trainingSeconds, seconds } = report;
  const { files } = releases.at(-1)!;
  return [
    releaseTable(report),
    'FAILED: requests behave as members. PASSED: as samples never trained on, and members would have been found.',
    'INCONCLUSIVE with PARTIAL_RESIDUE: they lie between the two, fainter than members and unlike strangers.',
    'Power: share of groups of ten controls (known members) that the test finds, with its 95 % interval. Passes: samples that',
    'went through the release and through the references; what is known is not computed again.',
    '',
    ...recurrenceLines(report),
    '',
    scoreTable(report),
    'AUC: chance that a control looks more like a member than a forgotten sample; 1 = forgotten, 0.5 = still a member.',
    'IAM as attested; every other score from the same models and samples, through the same decision rule.',
    '',
    'Plots, and attestations, all verified offline:',
    ...plots.map((path) => `  ${path}`),
    ...releases.map((release) => `  ${release.files.attestation}`),
    'Check one yourself:',
    `  npm run -s lacuna -- verify ${files.attestation} --keys ${jwks} --results ${files.results}`,
    '',
    `Done in ${seconds.toFixed(1)} s, of which training ${trainingSeconds.toFixed(1)} s.`,
    '',
  ].join('\n');
}

function releaseTable({ releases, requests }: LifecycleReport): string {
  const table = new Table({
    head: ['release', 'truth', 'result', 'requests', 'power per request', 'passes', 'offline'],
    style: { head: [], border: [] },
    colWidths: [32, 13, 24, 27, 22, 16, 9],
    wordWrap: true,
  });
  for (const { recipe, outcome, checks } of releases)
    table.push([
      `${recipe.name}: ${recipe.what}`,
      recipe.holds ? `holds ${String(recipe.holds.length)} of ${String(requests)}` : 'unknown',
      [outcome.result, ...outcome.reasons].join('\n'),
      countsText(outcome.requestCounts),
      outcome.power ? rateText(outcome.power.perRequest) : 'unknown',
      passes(outcome),
      `${String(checks)} ok`,
    ]);
  return table.toString();
}

const passes = ({ work }: ReleaseOutcome): string =>
  `${String(work.targetPasses)} release\n${String(work.referencePasses)} reference`;

function recurrenceLines({ releases, returning, attested, events }: LifecycleReport): string[] {
  const last = releases.at(-1)!.recipe.name;
  const missed = returning.filter((request) => !attested.found.includes(request));
  const wrong = attested.found.filter((request) => !returning.includes(request));
  const before = events.filter(({ firstBad }) => firstBad !== last);
  return [
    `Release ${last} brought back ${String(returning.length)} requests; recurrence was raised for ${String(attested.found.length)}:`,
    `  precision ${figure(attested.precision)}, recall ${figure(attested.recall)}`,
    ...(missed.length > 0 ? [`  not raised although back: ${list(missed)}`] : []),
    ...(wrong.length > 0 ? [`  raised although not back: ${list(wrong)}`] : []),
    ...before.map(
      ({ request, lastClean, firstBad }) =>
        `Request ${String(request + 1)} looked clean under ${lastClean} and not under ${firstBad}: a recurrence too, of the chain of releases.`,
    ),
  ];
}

function scoreTable({ releases, rivals, attested }: LifecycleReport): string {
  const table = new Table({
    head: [
      'score',
      ...releases.map(({ recipe }) => `AUC ${recipe.name}`),
      'came back',
      'precision',
      'recall',
    ],
    style: { head: [], border: [] },
    colWidths: [16, ...releases.map(() => 17), 7, 11, 8],
    wordWrap: true,
  });
  const row = (name: string, aucs: readonly (number | null)[], { found, precision, recall }: Recall) =>
    table.push([name, ...aucs.map(figure), String(found.length), figure(precision), figure(recall)]);
  row(
    'iam (attested)',
    releases.map(({ outcome }) => outcome.auc),
    attested,
  );
  for (const { score, releases: judged, recurrence } of rivals.filter(({ score }) => score !== 'iam'))
    row(
      score,
      judged.map(({ auc }) => auc),
      recurrence,
    );
  return table.toString();
}
