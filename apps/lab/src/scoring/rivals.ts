/**
 * What each score would have said about the same releases, decided by the very rule that verifications use, and held
 * against the truth. Pure; proven by rivals.spec.ts.
 */
import { auc } from '@app/iam';
import { decide, DEFAULT_POLICY, findRecurrences, type RequestVerdict } from '@app/verification';
import type { Lifecycle } from '../lifecycle/lifecycle.js';
import { completenessScores, type Groups, type ReleaseSignals } from './scores.js';

export interface RivalRelease {
  readonly release: string;
  /** PASSED, FAILED or INCONCLUSIVE. */
  readonly result: string;
  /** By request number. */
  readonly verdicts: readonly RequestVerdict[];
  /** Chance that a control looks more like a member than a forgotten sample; 0.5 = no difference. */
  readonly auc: number;
  /** By request number: mean score of its samples, in [0, 1], 1 = behaves as never trained on. */
  readonly statistics: readonly number[];
  /** Mean score of the calibration samples and of the controls. */
  readonly means: { readonly calibration: number; readonly controls: number };
  /** Higher = more like a member, `[forgotten, then controls]`. */
  readonly membership: Float64Array;
  /** Share of groups of controls that are found at the operating false-positive rate. */
  readonly powerPerRequest: number;
}

export interface Rival {
  /** `iam`, or a name of secondOpinions, or `rmia`. */
  readonly score: string;
  readonly releases: readonly RivalRelease[];
  /** Requests that come back under the last release, against those that truly do. */
  readonly recurrence: Recall;
}

export interface Recall {
  /** Request numbers. */
  readonly found: readonly number[];
  /** Share of the found that truly came back; null where none was found. */
  readonly precision: number | null;
  /** Share of those that truly came back that were found. */
  readonly recall: number;
}

export function recallOf(found: readonly number[], truth: readonly number[]): Recall {
  const right = found.filter((number) => truth.includes(number)).length;
  return {
    found,
    precision: found.length === 0 ? null : right / found.length,
    recall: right / truth.length,
  };
}

/** One entry a score, IAM first. */
export function compareRivals(lifecycle: Lifecycle): Rival[] {
  const { recipes, world } = lifecycle;
  const groups = groupsOf(lifecycle);
  const byRelease = recipes.releases.map(({ name }) => ({
    name,
    scores: completenessScores(signalsOf(lifecycle, name), groups),
  }));
  return Object.keys(byRelease[0]!.scores).map((score) => {
    const releases = byRelease.map(({ name, scores }) => judge(name, scores[score]!, groups, lifecycle));
    return { score, releases, recurrence: recallOf(recurrences(releases), world.returning) };
  });
}

function groupsOf({ world, settings }: Lifecycle): Groups {
  return {
    forgotten: world.requests.flat().length,
    calibration: world.calibration.length,
    controls: settings.controls,
  };
}

function signalsOf({ models, recipes }: Lifecycle, release: string): ReleaseSignals {
  const of = (name: string) => models.get(name)!.signals;
  const shadows = recipes.shadows.map(({ name }) => of(name));
  const target = of(release);
  const out = new Float64Array(target.length * shadows.length);
  shadows.forEach((values, shadow) => {
    values.forEach((value, sample) => {
      out[sample * shadows.length + shadow] = value;
    });
  });
  return { target, original: of('original'), out, shadows: shadows.length };
}

function judge(
  release: string,
  scores: Float64Array,
  { forgotten, calibration }: Groups,
  { world, settings }: Lifecycle,
): RivalRelease {
  const commitments = scores.subarray(0, forgotten);
  const neverTrained = scores.slice(forgotten, forgotten + calibration);
  const controls = scores.slice(forgotten + calibration);
  const decision = decide({
    // Finer p-values than the verdicts need serve the error budget over releases, which is not compared here.
    policy: { ...DEFAULT_POLICY, releaseLevel: DEFAULT_POLICY.alpha, seed: settings.seed },
    calibration: neverTrained,
    controls,
    leaves: {
      requestOrdinal: Int32Array.from(world.requests.flatMap((bags, number) => bags.map(() => number))),
      score: commitments,
      status: Array.from(commitments, () => 'scored' as const),
    },
  });
  const membership = Float64Array.from([...commitments, ...controls], (score) => 1 - score);
  return {
    release,
    result: decision.result,
    verdicts: decision.requests.map(({ verdict }) => verdict),
    statistics: decision.requests.map(({ statistic }) => statistic!),
    means: { calibration: mean(neverTrained), controls: mean(controls) },
    membership,
    auc: auc(membership, labelsOf(membership, commitments.length)),
    powerPerRequest: decision.power.perRequest.rate,
  };
}

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** 0 = forgotten, 1 = control, in the order of {@link RivalRelease.membership}. */
export const labelsOf = (membership: Float64Array, forgotten: number): Uint8Array =>
  Uint8Array.from(membership, (_score, sample) => (sample < forgotten ? 0 : 1));

function recurrences(releases: readonly RivalRelease[]): number[] {
  const last = releases.at(-1)!;
  return [...last.verdicts.keys()].filter((request) => {
    const history = releases.map(({ release, verdicts }) => ({
      releaseId: release,
      verdict: verdicts[request]!,
    }));
    return findRecurrences(history).at(-1)?.firstBad === last.release;
  });
}
