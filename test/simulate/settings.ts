/** The settings of `npm run simulate`: every claim of libs/iam/README.md about error rates, and its power curves. */
import type { RateInterval } from '@app/iam';
import {
  PLAIN_WORLD,
  simulateBudget,
  simulateDrift,
  simulateFalseDiscoveries,
  simulatePower,
} from '../support/iam-simulation.js';
import { simulateDecisions } from '../support/decision-simulation.js';
import type { Hypothesis, World } from '../support/iam-simulation.js';

export interface Setting {
  readonly name: string;
  /** The rate must not lie above this beyond chance; 1 = nothing is claimed, the figure is for information. */
  readonly claim: number;
  readonly simulate: (runs: number) => RateInterval & { readonly power?: number };
}

const Q = 0.05;
/** One of some forty intervals misses by chance with probability 0.02: a failing table means something. */
const CONFIDENCE = 0.999;

const discoveries = (
  name: string,
  change: Partial<World>,
  hypothesis: Hypothesis = 'never trained on',
  claim = Q,
): Setting => ({
  name: `${name}, H0 ${hypothesis}`,
  claim,
  simulate: (runs) =>
    simulateFalseDiscoveries({ ...PLAIN_WORLD, ...change }, hypothesis, {
      runs,
      seed: name,
      confidence: CONFIDENCE,
    }),
});

const GROUP_SIZES = [1, 2, 5, 10, 20, 50];
const AUCS = [0.55, 0.65, 0.75, 0.85, 0.95];

const CORRELATIONS = [0, 0.05, 0.1, 0.2, 0.5, 0.8] as const;

/** What a profile can freeze, in words; how much slower than the fastest a decision is. */
const UNITS = [
  ['sample', 'single samples', 4],
  ['cluster', 'whole clusters', 4],
  ['any', 'any dependence', 1],
  ['any-of-cluster', 'any dependence, clusters given', 1],
] as const;

/** Single samples: where correlation is weak it may go unnoticed, and nothing is claimed. */
const claimOf = (unit: World['unit'], correlation: number): number =>
  unit === 'sample' && correlation > 0 && correlation < 0.8 ? 1 : Q;

export const SETTINGS: readonly Setting[] = [
  ...GROUP_SIZES.map((groupSize) =>
    discoveries(`FDR, all null, groups of ${String(groupSize)}`, { groupSize }),
  ),
  ...GROUP_SIZES.map((groupSize) =>
    discoveries(`FDR, all null, groups of ${String(groupSize)}`, { groupSize }, 'still a member'),
  ),
  ...AUCS.flatMap((auc) =>
    (['never trained on', 'still a member'] as const).map((hypothesis) =>
      discoveries(`FDR, 80 % null, groups of 10, AUC ${String(auc)}`, { auc, nullShare: 0.8 }, hypothesis),
    ),
  ),
  ...[2, 4, 10].map((grid) => discoveries(`FDR, all null, ties on a grid of 1/${String(grid)}`, { grid })),
  discoveries('FDR, all null, 400 requests against 200 calibration samples', {
    requests: 400,
    nullSize: 200,
    resamples: 9_999,
  }),
  ...[0.2, 0.5, 0.8].flatMap((correlation) => [
    discoveries(`FDR, all null, correlation ${String(correlation)}, whole clusters`, {
      correlation,
      unit: 'cluster',
      groupSize: 5,
      requests: 10,
    }),
    discoveries(
      `FDR, all null, correlation ${String(correlation)}, single samples (not claimed)`,
      { correlation, groupSize: 5, requests: 10 },
      'never trained on',
      1,
    ),
  ]),
  ...[2, 5, 10].flatMap((groupSize) =>
    CORRELATIONS.map((correlation) =>
      discoveries(
        `FDR, 80 % null, groups of ${String(groupSize)}, correlation ${String(correlation)}, any dependence`,
        { correlation, groupSize, unit: 'any', nullShare: 0.8, auc: 0.95 },
      ),
    ),
  ),
  discoveries(
    'FDR, 80 % null, groups of 2, correlation 0.5, any dependence',
    { correlation: 0.5, groupSize: 2, unit: 'any', nullShare: 0.8, auc: 0.95 },
    'still a member',
  ),
  ...UNITS.flatMap(([unit, words, cost]) =>
    CORRELATIONS.map((correlation) => ({
      name: `sound release with a rejected request, correlation ${String(correlation)}, ${words}`,
      claim: claimOf(unit, correlation),
      simulate: (runs: number) =>
        simulateDecisions(
          {
            ...PLAIN_WORLD,
            unit,
            correlation,
            requests: 20,
            groupSize: 5,
            auc: 0.95,
            resamples: 4_999,
          },
          { runs: runs / cost, seed: `decision/${unit}/${String(correlation)}`, confidence: CONFIDENCE },
        ),
    })),
  ),
  ...[0, 0.1, 0.2, 0.3].map((shift) => ({
    name: `drift warned of at 0.05, 1,000 against 1,000, shift ${String(shift)} sd`,
    claim: shift === 0 ? Q : 1,
    simulate: (runs: number) => simulateDrift(shift, 1_000, runs / 10),
  })),
  ...[0, 0.5, 0.95].map((likeness) => ({
    name: `any alarm in 1,000 sound releases, correlation of releases ${String(likeness)}`,
    claim: Q,
    simulate: (runs: number) => simulateBudget(likeness, runs),
  })),
];

const WIDTH = 560;
const HEIGHT = 340;
const BOX = { left: 48, right: 440, top: 20, bottom: 300 };
const COLOURS = ['#7f8c8d', '#2980b9', '#27ae60', '#d35400', '#c0392b'];
const CURVE_SIZES = [1, 2, 3, 5, 7, 10, 15, 20, 30, 50];
const ALPHA = 0.01;

const x = (size: number): string =>
  (BOX.left + ((BOX.right - BOX.left) * Math.log(size)) / Math.log(CURVE_SIZES.at(-1)!)).toFixed(1);
const y = (rate: number): string => (BOX.bottom - (BOX.bottom - BOX.top) * rate).toFixed(1);

function curve(auc: number, colour: string, place: number): string {
  const rates = CURVE_SIZES.map((size) =>
    simulatePower(auc, size, ALPHA, `power/${String(auc)}/${String(size)}`),
  );
  const line = CURVE_SIZES.map((size, i) => `${x(size)},${y(rates[i]!.rate)}`).join(' ');
  const band = [
    ...CURVE_SIZES.map((size, i) => `${x(size)},${y(rates[i]!.high)}`),
    ...CURVE_SIZES.map((size, i) => `${x(size)},${y(rates[i]!.low)}`).reverse(),
  ].join(' ');
  const legend = BOX.top + 16 + 18 * place;
  return (
    `<polygon points="${band}" fill="${colour}" fill-opacity="0.15"/>` +
    `<polyline points="${line}" fill="none" stroke="${colour}" stroke-width="2"/>` +
    `<text x="${String(BOX.right + 14)}" y="${String(legend)}" fill="${colour}">AUC ${auc.toFixed(2)}</text>`
  );
}

/** Power against group size, one curve for each AUC, with exact 95 % bands, as a plain SVG document. */
export function plotPowerCurves(): string {
  const rows = [0, 0.2, 0.4, 0.6, 0.8, 1].map(
    (rate) =>
      `<path d="M${String(BOX.left)} ${y(rate)}H${String(BOX.right)}" stroke="#ddd"/>` +
      `<text x="${String(BOX.left - 8)}" y="${String(Number(y(rate)) + 4)}" text-anchor="end">${String(rate)}</text>`,
  );
  const columns = CURVE_SIZES.map(
    (size) =>
      `<text x="${x(size)}" y="${String(BOX.bottom + 16)}" text-anchor="middle">${String(size)}</text>`,
  );
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${String(WIDTH)} ${String(HEIGHT)}" ` +
    `font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>` +
    `<title>Share of requests of training data that are found at a false-positive rate of ${String(ALPHA)}</title>` +
    [...rows, ...columns].join('') +
    AUCS.map((auc, i) => curve(auc, COLOURS[i]!, i)).join('') +
    `<text x="${String((BOX.left + BOX.right) / 2)}" y="${String(HEIGHT - 6)}" text-anchor="middle">samples in the request</text>` +
    `</svg>\n`
  );
}
