/** Likelihoods of the ablation on the reference's hard cases, block B, and the faults they would carry over. */
import { describe, expect, it } from 'vitest';
import { readVector } from '../../../test/support/iam-vectors.js';
import { betaLikelihood } from './beta.js';
import { empiricalLikelihood } from './ecdf.js';
import { kernelLikelihood } from './kde.js';
import { scoreByLikelihood } from './level-likelihood.js';
import { mixedNormalizedGumbelAsPublished } from './mixed-normalisation.js';
import { normalizedGumbel, scaledLogitOfProbability } from './signals.js';

interface HardCase {
  readonly name: string;
  readonly inputs: {
    readonly ori: number[];
    readonly unl: number[];
    readonly shadow: number[][];
    readonly INTER_APPRO: number;
    readonly type: string;
    readonly fix_variance: boolean;
  };
  readonly output: number[];
}

const LIKELIHOODS = { ecdf: empiricalLikelihood, beta: betaLikelihood, kde: kernelLikelihood };
type Type = keyof typeof LIKELIHOODS;

const CASES = readVector<HardCase[]>('hard_cases.json').filter(
  ({ name, inputs }) => name.startsWith('B.') && inputs.type in LIKELIHOODS && Array.isArray(inputs.shadow),
);

function scoresOf({ inputs }: HardCase): number[] {
  const { ori, unl, shadow, type, fix_variance, INTER_APPRO } = inputs;
  return [
    ...scoreByLikelihood({
      target: Float64Array.from(unl),
      in_: Float64Array.from(ori),
      out: Float64Array.from(unl.flatMap((_, sample) => shadow.map((row) => row[sample]!))),
      shadows: shadow.length,
      levels: INTER_APPRO,
      fixVariance: fix_variance,
      likelihood: LIKELIHOODS[type as Type],
    }),
  ];
}

/** Where float32 rounding makes a step of the reference fall elsewhere, or its one bad sample spoils the batch. */
const DECIDED_OTHERWISE = /NaN|inf sample|subnormal|ties: all samples identical|N=1 S=2 identical/;

describe('B: interpolation', () => {
  it.each(CASES.filter(({ name }) => !DECIDED_OTHERWISE.test(name)))('$name', (hardCase) => {
    const ours = scoresOf(hardCase);
    hardCase.output.forEach((theirs, i) => {
      expect(ours[i]).not.toBeNaN();
      if (!Number.isNaN(theirs)) expect(Math.abs(ours[i]! - theirs)).toBeLessThan(5e-5);
    });
  });

  it.each(CASES.filter(({ name }) => /ties|subnormal|N=1 S=2 identical/.test(name)))(
    '$name: a number',
    (hardCase) => {
      for (const score of scoresOf(hardCase)) {
        expect(score).toBeGreaterThanOrEqual(0);
        expect(score).toBeLessThanOrEqual(1);
      }
    },
  );

  // Fault whole-batch-nan: the reference's shared deviation is NaN for all where it is for one.
  it.each(CASES.filter(({ name }) => /NaN|inf sample/.test(name)))('whole-batch-nan: $name', (hardCase) => {
    const { ori, unl, shadow } = hardCase.inputs;
    const usable = unl.map((value, i) =>
      [value, ori[i]!, ...shadow.map((row) => row[i]!)].every(Number.isFinite),
    );
    expect(usable.filter((flag) => !flag).length).toBe(1);
    const keep = (values: number[]) => values.filter((_, i) => usable[i]);
    const without = scoresOf({
      ...hardCase,
      inputs: { ...hardCase.inputs, ori: keep(ori), unl: keep(unl), shadow: shadow.map(keep) },
    });
    const ours = scoresOf(hardCase);
    expect(ours.map(Number.isNaN)).toEqual(usable.map((flag) => !flag));
    const targetOnly = /unl only/.test(hardCase.name);
    // A bad target says nothing about its OUT and IN, which stay in the spread.
    if (!targetOnly) expect(keep(ours)).toEqual(without);
  });
});

describe('faults of the reference', () => {
  it('kde-zero-bandwidth: the limit instead of 0/0', () => {
    const fit = { signals: Float64Array.of(0.5, 0.5), mean: 0.5, deviation: 0 };
    expect([0.4, 0.5, 0.6].map((target) => kernelLikelihood(target, fit))).toEqual([0, 0.5, 1]);
  });

  it('mixed-normalisation: IN and OUT of the same probability lie apart, and OUT leaves [0, 1]', () => {
    const [consistent, mixed] = [normalizedGumbel, mixedNormalizedGumbelAsPublished].map((map) =>
      map(0.9, 1e-1, 1e-6),
    );
    expect(Math.abs(consistent! - mixed!)).toBeGreaterThan(0.1);
    expect(mixedNormalizedGumbelAsPublished(0, 1e-1, 1e-6)).toBeLessThan(0);
    // With one pair of epsilons it is the ordinary normalisation.
    expect(mixedNormalizedGumbelAsPublished(0.9, 1e-2, 1e-5)).toBe(normalizedGumbel(0.9, 1e-2, 1e-5));
  });

  it('mixed-space: with logits as OUT, a stranger that is hard to classify looks like a member', () => {
    const score = (target: number, in_: number, out: number[], likelihood = kernelLikelihood) =>
      scoreByLikelihood({
        target: Float64Array.of(target),
        in_: Float64Array.of(in_),
        out: Float64Array.from(out),
        shadows: 2,
        levels: 100,
        likelihood,
      })[0]!;
    // The release says 0.1, as models that never saw the sample do; the original said 0.9.
    const [target, in_, out] = [0.1, 0.9, [0.08, 0.12]] as const;
    const logit = scaledLogitOfProbability;
    const consistent = score(logit(target), logit(in_), out.map(logit));
    const mixed = score(target, in_, out.map(logit));
    expect(consistent).toBeGreaterThan(0.95);
    expect(mixed).toBeLessThan(0.6);
    // Logits are no Beta variables: outside [0, 1] the distribution function is 0 or 1 whatever the shadows say.
    expect(score(logit(0.9), in_, [...out], betaLikelihood)).toBe(0);
  });
});
