import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { DEFAULT_PARAMETERS, freezeScale, scoreFrozen, SignalMoments, transformSignal } from '@app/iam';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_POLICY } from './decision.js';
import type { Decision, DecisionInput, LeafStatus } from './decision.js';
import { decide } from './verdict.js';

const policy = { ...DEFAULT_POLICY, seed: 'spec' };

/** Evenly spread scores between two ends: a distribution without chance. */
const spread = (count: number, from: number, to: number): Float64Array =>
  Float64Array.from({ length: count }, (_, i) => from + ((to - from) * (i + 0.5)) / count);

interface Leaf {
  readonly request: number;
  readonly score?: number;
  readonly status?: LeafStatus;
}

const leavesOf = (leaves: readonly Leaf[]): DecisionInput['leaves'] => ({
  requestOrdinal: Int32Array.from(leaves, ({ request }) => request),
  score: Float64Array.from(leaves, ({ score = NaN }) => score),
  status: leaves.map(({ status = 'scored' }) => status),
});

/** `scores.length` leaves of one request. */
const request = (ordinal: number, scores: Iterable<number>): Leaf[] =>
  Array.from(scores, (score) => ({ request: ordinal, score }));

/** Never-trained samples lie in [0.6, 1], members in [0, 0.4]: a test that cannot miss. */
const decideClearly = (leaves: readonly Leaf[], change: Partial<DecisionInput> = {}): Decision =>
  decide({
    policy,
    calibration: spread(999, 0.6, 1),
    controls: spread(1_000, 0, 0.4),
    leaves: leavesOf(leaves),
    ...change,
  });

const sound = request(0, spread(10, 0.6, 1));
const kept = request(0, spread(10, 0, 0.4));

describe('verdicts of requests', () => {
  it.each([
    ['NO_RESIDUAL_EVIDENCE', spread(10, 0.6, 1)],
    ['RESIDUAL', spread(10, 0, 0.4)],
    ['INCONCLUSIVE', spread(10, 0.5, 0.52)],
    ['OVER_UNLEARNED', spread(10, 0.99, 1)],
  ] as const)('%s', (verdict, scores) => {
    const { requests, samples } = decideClearly(request(0, scores));
    expect(requests[0]).toMatchObject({ ordinal: 0, verdict, sampleCount: 10 });
    expect(Array.from(samples, (sample) => sample.verdict)).toEqual(new Array(10).fill(verdict));
  });

  it('is INCONCLUSIVE where calibration and controls cannot be told apart', () => {
    const { requests, result, reasons } = decideClearly(sound, { controls: spread(1_000, 0.6, 1) });
    expect(requests[0]!.verdict).toBe('INCONCLUSIVE');
    expect(result).toBe('INCONCLUSIVE');
    expect(reasons).toEqual(['POWER_BELOW_FLOOR', 'TOO_MANY_INCONCLUSIVE']);
  });

  it('leaves to each sample its own p-values', () => {
    const { samples } = decideClearly(request(0, [0.1, 0.9]));
    expect(samples.at(0).pResidual).toBe(1 / 1_000);
    expect(samples.at(1).pResidual).toBeGreaterThan(0.7);
    expect(samples.at(1).pMember).toBe(1 / 1_001);
  });

  it('takes the gravest status for a request without any score', () => {
    const { requests, counts } = decideClearly([
      { request: 0, status: 'not-applicable' },
      { request: 0, status: 'unscorable' },
      { request: 1, status: 'no-longer-verifiable' },
      { request: 1, status: 'not-applicable' },
      { request: 2, status: 'not-applicable' },
    ]);
    expect(requests.map(({ verdict }) => verdict)).toEqual([
      'UNSCORABLE',
      'NO_LONGER_VERIFIABLE',
      'NOT_APPLICABLE',
    ]);
    expect(requests[0]).toMatchObject({ statistic: null, pResidual: null, pMember: null, pOver: null });
    expect(counts.samples).toMatchObject({ UNSCORABLE: 1, NO_LONGER_VERIFIABLE: 1, NOT_APPLICABLE: 3 });
  });

  it('decides a request by its scored samples and names the others singly', () => {
    const { requests, samples } = decideClearly([...kept, { request: 0, status: 'no-longer-verifiable' }]);
    expect(requests[0]).toMatchObject({ verdict: 'RESIDUAL', sampleCount: 10 });
    expect([...samples].at(-1)).toEqual({ verdict: 'NO_LONGER_VERIFIABLE', pResidual: null, pMember: null });
  });

  it('has interleaved leaves of several requests find their own', () => {
    const leaves = spread(10, 0.6, 1).reduce<Leaf[]>(
      (all, score, i) => [...all, { request: 1, score }, { request: 0, score: i / 30 }],
      [],
    );
    const { requests, samples } = decideClearly(leaves);
    expect(requests.map(({ verdict }) => verdict)).toEqual(['RESIDUAL', 'NO_RESIDUAL_EVIDENCE']);
    expect(samples.at(0).verdict).toBe('NO_RESIDUAL_EVIDENCE');
  });
});

describe('result of a release', () => {
  const many = Array.from({ length: 40 }, (_, ordinal) => request(ordinal, spread(10, 0.6, 1))).flat();

  it('passes where every request is sound and the test works', () => {
    expect(decideClearly(many)).toMatchObject({ result: 'PASSED', reasons: [], warnings: [] });
  });

  it('fails on one residual request among forty', () => {
    const { result, reasons, counts } = decideClearly([...many, ...request(40, spread(10, 0, 0.4))]);
    expect([result, reasons]).toEqual(['FAILED', ['RESIDUAL_EVIDENCE']]);
    expect(counts.requests).toMatchObject({ RESIDUAL: 1, NO_RESIDUAL_EVIDENCE: 40 });
  });

  it('fails although nothing but the residue is known: no controls', () => {
    const { result, requests } = decideClearly(kept, { controls: new Float64Array(0) });
    expect([result, requests[0]!.verdict, requests[0]!.pMember]).toEqual(['FAILED', 'RESIDUAL', null]);
  });

  it.each<[string, Leaf[], Partial<DecisionInput>, string[]]>([
    ['no commitment', [], {}, ['NOTHING_TO_VERIFY']],
    ['only erased ones', [{ request: 0, status: 'no-longer-verifiable' }], {}, ['NOTHING_TO_VERIFY']],
    ['an unscorable sample', [...many, { request: 0, status: 'unscorable' }], {}, ['UNSCORABLE_SAMPLES']],
    ['a score that is no number', [...many, { request: 0, score: NaN }], {}, ['UNSCORABLE_SAMPLES']],
    ['no controls', sound, { controls: Float64Array.of(NaN) }, ['NO_CONTROLS', 'TOO_MANY_INCONCLUSIVE']],
    ['three groups of controls', many, { controls: spread(30, 0, 0.4) }, ['POWER_UNCERTAIN']],
    ['98 calibration samples', many, { calibration: spread(98, 0.6, 1) }, ['CALIBRATION_TOO_SMALL']],
    [
      'no calibration',
      sound,
      { calibration: new Float64Array(0) },
      ['CALIBRATION_TOO_SMALL', 'POWER_BELOW_FLOOR'],
    ],
    ['one request half unlearned', [...many, ...request(40, spread(10, 0.5, 0.52))], {}, ['PARTIAL_RESIDUE']],
  ])('is INCONCLUSIVE with %s', (_, leaves, change, reasons) => {
    expect(decideClearly(leaves, change)).toMatchObject({ result: 'INCONCLUSIVE', reasons });
  });

  it('passes with over-unlearned and erased samples, but says so', () => {
    const { result, warnings } = decideClearly([
      ...many,
      ...request(40, spread(10, 0.99, 1)),
      { request: 41, status: 'no-longer-verifiable' },
    ]);
    expect(result).toBe('PASSED');
    expect(warnings).toEqual(['OVER_UNLEARNED_REQUESTS', 'NO_LONGER_VERIFIABLE_SAMPLES']);
  });

  it('tolerates requests without answer up to the share a test of the demanded power misses', () => {
    // One sample at 0.61 lies within reach of members up to 0.65 and of never-trained samples from 0.6.
    const withUnclear = (count: number): Decision =>
      decideClearly(
        [...many, ...Array.from({ length: count }, (_, i): Leaf => ({ request: 40 + i, score: 0.61 }))],
        { controls: spread(1_000, 0, 0.65) },
      );
    expect(withUnclear(10)).toMatchObject({ result: 'PASSED', counts: { requests: { INCONCLUSIVE: 10 } } });
    expect(withUnclear(11)).toMatchObject({ result: 'INCONCLUSIVE', reasons: ['TOO_MANY_INCONCLUSIVE'] });
  });
});

describe('decide', () => {
  it('is the same for scores that are the same in millionths', () => {
    const noisy = sound.map((leaf) => ({ ...leaf, score: leaf.score! + 2e-7 }));
    expect(decideClearly(noisy)).toEqual(decideClearly(sound));
  });

  it('compares whole clusters where samples of a request stick together', () => {
    const clusters = {
      calibration: Int32Array.from({ length: 999 }, (_, i) => Math.floor(i / 10)),
      controls: Int32Array.from({ length: 1_000 }, (_, i) => Math.floor(i / 10)),
    };
    const { requests, samples, power, groupTest } = decideClearly(kept, { clusters });
    expect(groupTest).toBe('whole-clusters');
    // 100 clusters, of which the last has only nine samples.
    expect(requests[0]).toMatchObject({ verdict: 'RESIDUAL', pResidual: 1 / 100 });
    expect(samples.at(0).pResidual).toBe(1 / 101);
    expect(power.perRequest).toMatchObject({ rate: 1, trials: 100 });
  });

  it('compares a request that is larger than the clusters by a part of it', () => {
    const pairs = (count: number) => Int32Array.from({ length: count }, (_, i) => Math.floor(i / 2));
    const clusters = { calibration: pairs(999), controls: pairs(1_000) };
    const { requests, power, reasons, result } = decideClearly([...kept, ...request(1, spread(7, 0.6, 1))], {
      clusters,
    });
    expect(requests.map(({ verdict }) => verdict)).toEqual(['RESIDUAL', 'NO_RESIDUAL_EVIDENCE']);
    // The last calibration cluster is a single sample.
    expect(requests[0]!.pResidual).toBe(1 / 500);
    expect(power.perRequest).toMatchObject({ groupSize: 2, trials: 500, rate: 1 });
    expect([result, reasons]).toEqual(['FAILED', ['RESIDUAL_EVIDENCE']]);
  });

  it('says so where too few clusters are left for alpha', () => {
    const clusters = {
      calibration: Int32Array.from({ length: 999 }, (_, i) => i % 98),
      controls: Int32Array.from({ length: 1_000 }, (_, i) => i % 98),
    };
    expect(decideClearly(sound, { clusters }).reasons).toContain('CALIBRATION_TOO_SMALL');
  });

  const together = (from: number, step: number): Leaf[] =>
    Array.from({ length: 40 }, (_, i) => request(i, new Array<number>(10).fill(from + i * step))).flat();

  it('holds a release back whose requests stick together but would be compared singly', () => {
    const { groupTest, result, reasons, counts } = decideClearly(together(0.605, 0.005));
    expect([groupTest, result]).toEqual(['any-dependence', 'INCONCLUSIVE']);
    expect(reasons).toEqual(['SAMPLES_STICK_TOGETHER']);
    // The lowest ten equal scores are ten times unusual as strangers, and once as one document.
    expect(counts.requests).toMatchObject({ RESIDUAL: 0, NO_RESIDUAL_EVIDENCE: 40 });
  });

  it('passes it where the profile takes any dependence into account', () => {
    const decision = decideClearly(together(0.605, 0.005), {
      policy: { ...policy, groupTest: 'any-dependence' },
    });
    expect(decision).toMatchObject({ groupTest: 'any-dependence', result: 'PASSED', reasons: [] });
    const bad = decideClearly(request(0, new Array<number>(10).fill(0.3)), {
      policy: { ...policy, groupTest: 'any-dependence' },
    });
    // The least p of one sample among 999, doubled.
    expect(bad.requests[0]).toMatchObject({ verdict: 'RESIDUAL', pResidual: 2 / 1_000 });
    expect(bad.result).toBe('FAILED');
  });

  it('ranks among one sample of each cluster for any dependence, and asks for enough of them', () => {
    const clustersOf = (size: number, count: number) =>
      Int32Array.from({ length: size }, (_, i) => i % count);
    const decision = (count: number) =>
      decideClearly(kept, {
        policy: { ...policy, groupTest: 'any-dependence' },
        clusters: { calibration: clustersOf(999, count), controls: clustersOf(1_000, count) },
      });
    expect(decision(199).requests[0]).toMatchObject({ verdict: 'RESIDUAL', pResidual: 2 / 200 });
    expect(decision(199).reasons).toEqual(['RESIDUAL_EVIDENCE']);
    expect(decision(198).reasons).toContain('CALIBRATION_TOO_SMALL');
  });

  it('still fails it where the samples of every request are members one by one', () => {
    const { groupTest, result, reasons } = decideClearly(together(0.05, 0.005));
    expect([groupTest, result]).toEqual(['any-dependence', 'FAILED']);
    expect(reasons).toEqual(['RESIDUAL_EVIDENCE', 'SAMPLES_STICK_TOGETHER']);
  });

  it('warns where no single request could be told among so many', () => {
    const singles = (count: number) =>
      Array.from({ length: count }, (_, i) => request(i, [0.7 + (0.2 * i) / count])).flat();
    // Least p of one sample against 999: 1/1,000; one among 50 has to reach 0.05/50.
    expect(decideClearly(singles(50)).warnings).toEqual([]);
    expect(decideClearly(singles(51)).warnings).toEqual(['LONE_RESIDUE_UNRESOLVED']);
  });

  it('never gives NaN, whatever the leaves', () => {
    const leaf = fc.record({
      request: fc.integer({ min: 0, max: 3 }),
      score: fc.oneof(fc.constantFrom(NaN, 0, 1), fc.double({ min: 0, max: 1, noNaN: true })),
      status: fc.constantFrom<LeafStatus>('scored', 'unscorable', 'no-longer-verifiable', 'not-applicable'),
    });
    const scores = fc
      .array(fc.oneof(fc.constant(NaN), fc.double({ min: 0, max: 1, noNaN: true })), { maxLength: 12 })
      .map((values) => Float64Array.from(values));
    const dense = (leaves: Leaf[]): Leaf[] => {
      const ordinals = [...new Set(leaves.map(({ request: ordinal }) => ordinal))];
      return leaves.map((each) => ({ ...each, request: ordinals.indexOf(each.request) }));
    };
    fc.assert(
      fc.property(
        fc.array(leaf, { maxLength: 30 }).map(dense),
        scores,
        scores,
        (leaves, calibration, controls) => {
          const decision = decideClearly(leaves, {
            calibration,
            controls,
            policy: { ...policy, resamples: 99 },
          });
          const numbers: unknown[] = [];
          JSON.stringify(
            { ...decision, samples: [...decision.samples] },
            (_key, value: unknown) => (numbers.push(value), value),
          );
          expect(numbers.some((value) => typeof value === 'number' && !Number.isFinite(value))).toBe(false);
          expect(decision.samples).toHaveLength(leaves.length);
          expect(decision.reasons.length === 0).toBe(decision.result === 'PASSED');
        },
      ),
      { numRuns: 200 },
    );
  });

  it('refuses a gap in the request ordinals and a score outside [0, 1]', () => {
    expect(() => decideClearly([{ request: 1, score: 0.5 }])).toThrow('dense');
    expect(() => decideClearly([{ request: 0, score: 1.5 }])).toThrow(
      expect.objectContaining({ code: 'IAM_SCORE_INVALID' }),
    );
  });
});

describe('on the recorded MUSE-News losses', () => {
  const column = (name: string): Float64Array => {
    const url = new URL(`../../../apps/cli/assets/muse-news/${name}.txt.gz`, import.meta.url);
    const [, ...lines] = gunzipSync(readFileSync(url)).toString().trim().split('\n');
    return Float64Array.from(lines, Number);
  };
  const label = column('label');
  const parameters = DEFAULT_PARAMETERS.loss;
  const signals = (name: string): Float64Array =>
    column(name).map((loss) => transformSignal(loss, parameters));
  const out = signals('ref_nlloss');
  const in_ = signals('fitRef_nlloss');
  const moments = new SignalMoments();
  out.forEach((signal, i) => moments.add(Float64Array.of(signal), in_[i]!));
  const scale = freezeScale(moments, parameters);
  const scores = (release: string): Float64Array =>
    scoreFrozen({ target: signals(`${release}/nlloss`), out, shadows: 1, in_, scale, parameters });
  const forgotten = [...label.keys()].filter((i) => label[i] === 0);
  const even = forgotten.filter((_, place) => place % 2 === 0);
  const odd = forgotten.filter((_, place) => place % 2 === 1);
  const frozen = scores('retrain');
  const verify = (release: string): Decision => {
    const score = scores(release);
    return decide({
      policy,
      calibration: Float64Array.from(odd, (i) => frozen[i]!),
      controls: score.filter((_, i) => label[i] === 1),
      leaves: leavesOf(even.map((i, place) => ({ request: Math.floor(place / 10), score: score[i]! }))),
    });
  };

  it('passes the retrained release, with the power a request of ten has', () => {
    const { result, warnings, counts, power, requests } = verify('retrain');
    expect(warnings).toEqual([]);
    expect(requests).toHaveLength(131);
    expect([result, counts.requests.NO_RESIDUAL_EVIDENCE]).toEqual(['PASSED', 131]);
    expect(power.perRequest).toMatchObject({ rate: 1, trials: 514, groupSize: 10 });
    expect(power.perSample.rate).toBeCloseTo(0.67, 2);
  });

  it.each(['refusal', 'negative_label'])('fails %s on every request', (release) => {
    const { result, counts, releasePValue } = verify(release);
    expect(releasePValue).toBeLessThan(2.5e-5);
    expect([result, counts.requests.RESIDUAL]).toEqual(['FAILED', 131]);
  });
});
