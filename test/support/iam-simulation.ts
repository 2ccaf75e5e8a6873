/**
 * Seeded worlds in which the truth is known, to see whether the error rates of libs/iam are what they claim. Scores are
 * Phi(z): z ~ N(0, 1) for never-trained samples, N(-d, 1) for members, with d set by the AUC between the two; samples of
 * one request may share a part of z (correlation) and scores may be rounded to a grid (ties).
 * `npm run simulate` runs many settings for long, libs/iam/src/validity.spec.ts a few for a short time.
 */
import {
  benjaminiHochberg,
  checkDrift,
  clopperPearson,
  clusterPValues,
  groupPValues,
  measurePower,
  mergedPValues,
  oneOfEachCluster,
  openErrorBudget,
  spendErrorBudget,
} from '@app/iam';
import type { GroupEvidence, RateInterval } from '@app/iam';
import { normalCdf } from '../../libs/iam/src/normal.js';
import { SeededRandom } from '../../libs/iam/src/random.js';

export interface World {
  /** Chance that a random member scores below a random never-trained sample, in (0.5, 1). */
  readonly auc: number;
  readonly groupSize: number;
  /** Share of z's variance that the samples of one request have in common, in [0, 1). */
  readonly correlation: number;
  /** Scores are multiples of 1/grid; 0 = not rounded. */
  readonly grid: number;
  /**
   * What is taken to be exchangeable: single samples; requests and calibration clusters of `groupSize`; or, whatever binds
   * the samples of a request, one of them and null samples that are unrelated to each other (`any`) or one sample of each
   * of the null's clusters (`any-of-cluster`).
   */
  readonly unit: 'sample' | 'cluster' | 'any' | 'any-of-cluster';
  readonly requests: number;
  /** Share of requests for which the null hypothesis is true. */
  readonly nullShare: number;
  /** Calibration (and control) samples. */
  readonly nullSize: number;
  readonly resamples: number;
}

export const PLAIN_WORLD: World = {
  auc: 0.75,
  groupSize: 10,
  correlation: 0,
  grid: 0,
  unit: 'sample',
  requests: 40,
  nullShare: 1,
  nullSize: 1_000,
  resamples: 1_999,
};

/** d with P(member below never-trained) = Phi(d / sqrt 2) = auc, by bisection. */
function distanceOf(auc: number): number {
  let low = 0;
  let high = 10;
  for (let i = 0; i < 50; i++) {
    const middle = (low + high) / 2;
    if (normalCdf(middle / Math.SQRT2) < auc) low = middle;
    else high = middle;
  }
  return low;
}

/** A standard normal number (Box and Muller). */
const normal = (random: SeededRandom): number =>
  Math.sqrt(-2 * Math.log(1 - random.nextUnit())) * Math.cos(2 * Math.PI * random.nextUnit());

/** Scores of `count` samples of one request (or of one cluster). */
export function drawScores(random: SeededRandom, world: World, count: number, member: boolean): Float64Array {
  const centre = member ? -distanceOf(world.auc) : 0;
  const shared = Math.sqrt(world.correlation) * normal(random);
  const own = Math.sqrt(1 - world.correlation);
  return Float64Array.from({ length: count }, () => {
    const score = normalCdf(centre + shared + own * normal(random));
    return world.grid > 0 ? Math.round(score * world.grid) / world.grid : score;
  });
}

/** Calibration (or controls): clusters of `groupSize` that share as much as the samples of a request do; `any`: strangers. */
export function drawNull(
  random: SeededRandom,
  world: World,
  member: boolean,
): { scores: Float64Array; cluster: Int32Array } {
  const { nullSize } = world;
  const groupSize = world.unit === 'any' ? 1 : world.groupSize;
  const cluster = Int32Array.from({ length: nullSize }, (_, i) => Math.floor(i / groupSize));
  const scores = new Float64Array(nullSize);
  for (let start = 0; start < nullSize; start += groupSize) {
    scores.set(drawScores(random, world, Math.min(groupSize, nullSize - start), member), start);
  }
  return { scores, cluster };
}

export type Hypothesis = 'never trained on' | 'still a member';

function evidenceOf(
  { unit, resamples }: World,
  {
    nullCluster,
    ...test
  }: { nullScores: Float64Array; nullCluster: Int32Array; requests: Float64Array[]; seed: string },
): GroupEvidence {
  switch (unit) {
    case 'sample':
      return groupPValues({ ...test, resamples });
    case 'cluster':
      return clusterPValues({ ...test, nullCluster });
    case 'any':
      return mergedPValues(test);
    case 'any-of-cluster':
      return mergedPValues({
        ...test,
        nullScores: oneOfEachCluster(test.nullScores, nullCluster, test.seed),
      });
  }
}

/** One family of tests; true in `rejected` = rejected; the first `trueNulls` hypotheses are true. */
function testOnce(
  world: World,
  hypothesis: Hypothesis,
  seed: string,
): { rejected: boolean[]; trueNulls: number } {
  const random = new SeededRandom(seed);
  const nullIsMember = hypothesis === 'still a member';
  const { scores: nullScores, cluster: nullCluster } = drawNull(random, world, nullIsMember);
  const trueNulls = Math.round(world.requests * world.nullShare);
  const requests = Array.from({ length: world.requests }, (_, i) =>
    drawScores(random, world, world.groupSize, i < trueNulls === nullIsMember),
  );
  const { pLower, pUpper } = evidenceOf(world, { nullScores, nullCluster, requests, seed });
  return { rejected: benjaminiHochberg(nullIsMember ? pUpper : pLower, 0.05).rejected, trueNulls };
}

/**
 * The false discovery rate over `runs` worlds, with its exact interval. Of each world's rejections one is picked at
 * random: that it is false has just the world's false discovery proportion as probability, so the count of false picks
 * is binomial with the false discovery rate, and the interval exact.
 */
export function simulateFalseDiscoveries(
  world: World,
  hypothesis: Hypothesis,
  plan: { readonly runs: number; readonly seed: string; readonly confidence: number },
): RateInterval & { readonly power: number } {
  const picker = new SeededRandom(`${plan.seed}/pick`);
  let falsePicks = 0;
  let found = 0;
  for (let run = 0; run < plan.runs; run++) {
    const { rejected, trueNulls } = testOnce(world, hypothesis, `${plan.seed}/${String(run)}`);
    const rejections = [...rejected.keys()].filter((i) => rejected[i]);
    found += rejections.filter((i) => i >= trueNulls).length;
    const picked = rejections.length === 0 ? null : rejections[picker.nextBelow(rejections.length)]!;
    if (picked !== null && picked < trueNulls) falsePicks++;
  }
  const alternatives = plan.runs * (world.requests - Math.round(world.requests * world.nullShare));
  return {
    ...clopperPearson(falsePicks, plan.runs, plan.confidence),
    power: alternatives === 0 ? 0 : found / alternatives,
  };
}

/** Calibration sets behind one power: a single one shifts all p-values together, and with them the curve. */
const POWER_WORLDS = 20;

/** Detection rate of groups of members at alpha, in worlds of independent samples. */
export function simulatePower(auc: number, groupSize: number, alpha: number, seed: string): RateInterval {
  const random = new SeededRandom(seed);
  const world = { ...PLAIN_WORLD, auc };
  let found = 0;
  let groups = 0;
  for (let i = 0; i < POWER_WORLDS; i++) {
    const calibration = drawScores(random, world, world.nullSize, false);
    const controls = drawScores(random, world, 20 * groupSize, true);
    const plan = { calibration, controls, alpha, groupSize, seed: `${seed}/${String(i)}`, resamples: 1_999 };
    const { rate, trials } = measurePower(plan).perRequest;
    found += Math.round(rate * trials);
    groups += trials;
  }
  return clopperPearson(found, groups);
}

/** How often a shift of the committed samples by `shift` standard deviations is warned of at level 0.05. */
export function simulateDrift(shift: number, size: number, runs: number): RateInterval {
  const random = new SeededRandom(`drift/${String(shift)}`);
  const signals = (by: number): Float64Array =>
    Float64Array.from({ length: size }, () => normal(random) + by);
  let warned = 0;
  for (let seed = 0; seed < runs; seed++) {
    const check = checkDrift({
      calibration: signals(0),
      commitments: signals(shift),
      seed,
      permutations: 199,
    });
    if (check.pValue <= 0.05) warned++;
  }
  return clopperPearson(warned, runs);
}

/** Share of epochs of a thousand sound releases with any alarm; `likeness` is the share of z all releases share. */
export function simulateBudget(likeness: number, epochs: number): RateInterval {
  const random = new SeededRandom(`budget/${String(likeness)}`);
  let alarmed = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    let budget = openErrorBudget(0.05, 1_000);
    const shared = Math.sqrt(likeness) * normal(random);
    let any = false;
    for (let release = 0; release < 1_000; release++) {
      const p = normalCdf(shared + Math.sqrt(1 - likeness) * normal(random));
      const decision = spendErrorBudget(budget, p);
      budget = decision.budget;
      any ||= decision.alarm;
    }
    if (any) alarmed++;
  }
  return clopperPearson(alarmed, epochs);
}
