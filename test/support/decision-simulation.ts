/**
 * Whole decisions in the seeded worlds of iam-simulation.ts: how often a sound release, of which every request is never
 * trained on, has any request rejected as residual. That share is the false discovery rate where all is null.
 */
import { clopperPearson, type RateInterval } from '@app/iam';
import { SeededRandom } from '../../libs/iam/src/random.js';
import { DEFAULT_POLICY, type Decision, type DecisionInput } from '../../libs/verification/src/decision.js';
import { decide } from '../../libs/verification/src/verdict.js';
import { drawNull, drawScores, type World } from './iam-simulation.js';

const TESTS = {
  sample: 'single-samples',
  cluster: 'whole-clusters',
  any: 'any-dependence',
  'any-of-cluster': 'any-dependence',
} as const;

/** A release of the world; `world.unit` says what is compared and whether the clusters of both null sets are known. */
export function decideWorld(world: World, seed: string): Decision {
  const random = new SeededRandom(seed);
  const calibration = drawNull(random, world, false);
  const controls = drawNull(random, world, true);
  const clean = Math.round(world.requests * world.nullShare);
  const scores = Array.from({ length: world.requests }, (_, i) =>
    drawScores(random, world, world.groupSize, i >= clean),
  );
  const input: DecisionInput = {
    policy: { ...DEFAULT_POLICY, resamples: world.resamples, groupTest: TESTS[world.unit], seed },
    calibration: calibration.scores,
    controls: controls.scores,
    leaves: {
      requestOrdinal: Int32Array.from(scores.flatMap((each, i) => Array.from(each, () => i))),
      score: Float64Array.from(scores.flatMap((each) => [...each])),
      status: scores.flatMap((each) => Array.from(each, () => 'scored' as const)),
    },
    ...(world.unit === 'cluster' || world.unit === 'any-of-cluster'
      ? { clusters: { calibration: calibration.cluster, controls: controls.cluster } }
      : {}),
  };
  return decide(input);
}

/** Share of sound releases with a request rejected as residual; and how often each test was the one that decided. */
export function simulateDecisions(
  world: World,
  plan: { readonly runs: number; readonly seed: string; readonly confidence: number },
): RateInterval & { readonly fellBack: number } {
  let alarmed = 0;
  let fellBack = 0;
  for (let run = 0; run < plan.runs; run++) {
    const { requests, groupTest } = decideWorld({ ...world, nullShare: 1 }, `${plan.seed}/${String(run)}`);
    if (requests.some(({ pResidual, thresholds }) => pResidual! <= thresholds.residual)) alarmed++;
    if (groupTest === 'any-dependence') fellBack++;
  }
  return { ...clopperPearson(alarmed, plan.runs, plan.confidence), fellBack: fellBack / plan.runs };
}
