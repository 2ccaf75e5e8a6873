import { describe, expect, it } from 'vitest';
import type { RequestDecision } from './decision.js';
import { explainRequest } from './explanation.js';
import type { ExplainedSample, ExplanationInput } from './explanation.js';
import { plotExplanation } from './explanation-plot.js';

const rate = (value: number, low: number, high: number, trials: number) => ({
  rate: value,
  low,
  high,
  trials,
});

const residual: RequestDecision = {
  ordinal: 0,
  verdict: 'RESIDUAL',
  statistic: 0.061495,
  sampleCount: 2,
  pResidual: 0.00005,
  pMember: 0.8577,
  pOver: 1,
  thresholds: { residual: 0.05, member: 0.05 / 131, over: 0.05 / 131 },
};

const sample = (change: Partial<ExplainedSample> = {}): ExplainedSample => ({
  leafIndex: '7',
  verdict: 'RESIDUAL',
  score: 0.05,
  target: 1.9,
  out: 1,
  in_: 2,
  pResidual: 0.02,
  pMember: 0.4,
  ...change,
});

const input: ExplanationInput = {
  request: residual,
  samples: [sample(), sample({ leafIndex: '8', score: 0.073, target: 2.1 })],
  calibration: Float64Array.of(0.6, 0.7, 0.8, NaN),
  controls: Float64Array.of(0, 0.1, 0.2),
  power: {
    perSample: rate(0.67, 0.66, 0.68, 5_142),
    perRequest: { ...rate(1, 0.9929, 1, 514), groupSize: 10 },
  },
  alpha: 0.01,
  requestTest: { groupTest: 'single-samples' },
  profileTest: 'single-samples',
};

const unmeasured: RequestDecision = {
  ...residual,
  verdict: 'UNSCORABLE',
  statistic: null,
  sampleCount: 0,
  pResidual: null,
  pMember: null,
  pOver: null,
};

describe('explainRequest', () => {
  it('says what the p-values stand on', () => {
    const sentences = (
      requestTest: ExplanationInput['requestTest'],
      profileTest = requestTest.groupTest,
    ): string => explainRequest({ ...input, requestTest, profileTest }).sentences.join(' ');
    expect(sentences({ groupTest: 'single-samples' })).toContain('groups of as many single samples');
    const clusters = sentences({
      groupTest: 'whole-clusters',
      clusters: { calibration: 130, controls: 20 },
    });
    expect(clusters).toContain('130 clusters of never-trained samples and 20 of controls');
    expect(clusters).toContain('Clusters of never-trained samples score this low');
    expect(sentences({ groupTest: 'any-dependence' })).toContain('at most doubled');
    expect(sentences({ groupTest: 'any-dependence' })).not.toContain('The profile takes');
    expect(sentences({ groupTest: 'any-dependence' }, 'single-samples')).toContain(
      'The profile takes samples of one request to be unrelated',
    );
    expect(explainRequest(input).requestTest.assumption).toContain('exchangeable');
  });

  it('names the place between OUT and IN, the comparison sets and the limits crossed', () => {
    const explanation = explainRequest(input);
    expect(explanation.samples.map(({ level }) => level)).toEqual([
      expect.closeTo(0.9, 12) as number,
      expect.closeTo(1.1, 12) as number,
    ]);
    expect(explanation.level).toBeCloseTo(1, 12);
    expect(explanation.neverTrained).toMatchObject({
      size: 3,
      mean: expect.closeTo(0.7, 12) as number,
      low: 0.6,
      high: 0.8,
    });
    expect(explanation.findings.map(({ question, crossed }) => [question, crossed])).toEqual([
      ['NEVER_TRAINED_LOW', true],
      ['STILL_A_MEMBER', false],
      ['NEVER_TRAINED_HIGH', false],
    ]);
  });

  it('reads as text', () => {
    const { headline, sentences } = explainRequest(input);
    expect([headline, ...sentences].join('\n')).toMatchInlineSnapshot(`
      "This release behaves as if it had still been trained on the samples of this request.
      Its 2 samples have on average a completeness score of 0.061 (1 = as if never trained on, 0 = as training data).
      3 samples known to be never trained on average 0.700.
      3 samples known to be in the training data average 0.100.
      The request was compared with groups of as many single samples, drawn at random: its samples are taken to be unrelated to each other.
      Groups of never-trained samples score this low in 1 of 20,000 cases (p = 0.00005, limit in this verification 0.05): too rare to be chance, the samples left traces.
      Groups of samples still in the training data score this high in 86 of 100 cases (p = 0.86, limit in this verification 0.00038): being still in is not excluded.
      Groups of never-trained samples score this high in 100 of 100 cases (p = 1, limit in this verification 0.00038): nothing unusual.
      Between a reference that never saw the samples (0 %) and the model before unlearning (100 %), the release stands at 100 %.
      The test found 100.0 % of groups of 10 known training samples (95 % interval 99.3 % to 100.0 %) at a false-alarm rate of 1.0 %."
    `);
  });

  it('says what is missing instead of inventing a number', () => {
    const explanation = explainRequest({
      ...input,
      request: unmeasured,
      samples: [
        sample({ verdict: 'UNSCORABLE', score: null, target: null }),
        sample({ verdict: 'NO_LONGER_VERIFIABLE', in_: 1 }),
      ],
      calibration: new Float64Array(0),
      controls: Float64Array.of(NaN),
    });
    expect(explanation).toMatchObject({
      level: null,
      statistic: null,
      neverTrained: null,
      members: null,
      findings: [],
    });
    expect(explanation.sentences).toEqual([
      '1 of its samples gave no usable measurement.',
      '1 of its samples were erased and are not part of the measurement.',
    ]);
  });

  it('tells a lone sample and missing comparison sets apart', () => {
    const { sentences } = explainRequest({
      ...input,
      request: { ...residual, sampleCount: 1, pResidual: null, pOver: null },
      calibration: new Float64Array(0),
      power: { ...input.power, perRequest: { ...rate(0, 0, 1, 0), groupSize: 1 } },
    });
    expect(sentences[0]).toBe(
      'Its one sample has a completeness score of 0.061 (1 = as if never trained on, 0 = as training data).',
    );
    expect(sentences).toContain('There is no calibration set of never-trained samples to compare with.');
    expect(sentences).toContain('How often this test finds samples that are still held was not measured.');
  });
});

describe('plotExplanation', () => {
  it('draws both sets, every scored sample and the mean, and no NaN', () => {
    const svg = plotExplanation(explainRequest(input));
    expect(svg.match(/<circle /g)).toHaveLength(2);
    expect(svg.match(/<rect /g)).toHaveLength(2);
    expect(svg).toContain('stroke="#c0392b"');
    expect(svg).not.toMatch(/NaN|undefined|null/);
  });

  it('draws what there is without scores', () => {
    const nothing = {
      ...input,
      request: unmeasured,
      samples: [],
      calibration: new Float64Array(0),
      controls: new Float64Array(0),
    };
    expect(plotExplanation(explainRequest(nothing))).not.toMatch(/<circle|<rect|NaN/);
  });
});
