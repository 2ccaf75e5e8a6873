/** What the demo prints: a table for people, one JSON object for programs. */
import Table from 'cli-table3';
import type { TamperTrial } from './tamper.js';
import type { Rate, ReleaseFiles, ReleaseOutcome } from './verified-releases.js';

export interface ReleaseReport {
  readonly name: string;
  readonly outcome: ReleaseOutcome;
  readonly paperAuc: number;
  readonly files: ReleaseFiles;
  readonly checks: number;
}

export interface DemoReport {
  readonly releases: readonly ReleaseReport[];
  readonly jwks: string;
  readonly tamper: readonly TamperTrial[];
  readonly seconds: number;
}

type Counts = ReleaseOutcome['requestCounts'];

const nonZero = (counts: Counts): Counts => counts.filter(({ count }) => count > 0);
export const countsText = (counts: Counts): string =>
  nonZero(counts)
    .map(({ verdict, count }) => `${count} ${verdict}`)
    .join('\n');
export const countsObject = (counts: Counts): Record<string, number> =>
  Object.fromEntries(nonZero(counts).map(({ verdict, count }) => [verdict, count]));
export const rateText = ({ rate, low, high }: Rate): string =>
  `${rate.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
const figure = (value: number | null): string => (value === null ? '-' : value.toFixed(4));

export function reportAsJson({ releases, jwks, tamper, seconds }: DemoReport): string {
  return JSON.stringify({
    releases: releases.map(({ name, outcome, paperAuc, files }) => ({
      name,
      result: outcome.result,
      requests: countsObject(outcome.requestCounts),
      samples: countsObject(outcome.sampleCounts),
      auc: { frozen: outcome.auc, paper: paperAuc },
      power: outcome.power,
      attestation: files.attestation,
      bundle: files.bundle,
      results: files.results,
      verified: true,
    })),
    jwks,
    tamper,
    seconds,
  });
}

export function reportAsText({ releases, jwks, tamper, seconds }: DemoReport): string {
  const table = new Table({
    head: ['', ...releases.map((release) => release.name)],
    style: { head: [], border: [] },
  });
  const row = (name: string, cell: (release: ReleaseReport) => string) =>
    table.push([name, ...releases.map(cell)]);
  row('result', ({ outcome }) => [outcome.result, ...outcome.reasons].join('\n'));
  row('requests', ({ outcome }) => countsText(outcome.requestCounts));
  row('samples', ({ outcome }) => countsText(outcome.sampleCounts));
  row('AUC, controls against\ncommitments, frozen profile', ({ outcome }) => figure(outcome.auc));
  row("AUC, the paper's own figure\n(all samples, batches of 64)", ({ paperAuc }) => figure(paperAuc));
  row('power per request', ({ outcome }) => (outcome.power ? rateText(outcome.power.perRequest) : 'unknown'));
  row('power per sample', ({ outcome }) => (outcome.power ? rateText(outcome.power.perSample) : 'unknown'));
  row('operating false-positive rate', ({ outcome }) => String(outcome.operatingFalsePositiveRate));
  row('forward passes', ({ outcome }) => String(outcome.work.forwardPasses));
  row('recorded signals read', ({ outcome }) => String(outcome.work.signalsRead));
  row('seconds', ({ outcome }) => outcome.work.seconds.toFixed(2));
  row('verified offline', ({ checks }) => `yes, ${checks} checks`);
  return [
    table.toString(),
    'AUC 1 = the test tells forgotten samples from members; 0.5 = it sees no difference, they still behave like members.',
    'Power = share of the controls (known members) that the test detects, with its 95 % Clopper-Pearson interval.',
    '',
    'Files:',
    ...releases.flatMap(({ files }) => [`  ${files.attestation}`, `  ${files.bundle}`]),
    `  ${jwks}`,
    'Check one yourself:',
    `  npm run -s lacuna -- verify ${releases[0]?.files.attestation ?? '<attestation>'} --keys ${jwks} --results ${releases[0]?.files.results ?? '<results>'}`,
    '',
    'Tampering:',
    ...tamper.map(
      ({ what, caught, where }) => `  ${caught ? 'caught' : 'MISSED'}  ${what}\n          ${where}`,
    ),
    '',
    `Done in ${seconds.toFixed(1)} s.`,
    '',
  ].join('\n');
}
