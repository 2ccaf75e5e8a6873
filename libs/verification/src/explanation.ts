/**
 * Why a request has its verdict: the numbers behind it and the words for them, for a reader who signs compliance
 * reports and is no statistician. Every figure is one of the decision's own; nothing is decided here. Pure; proven by
 * explanation.spec.ts. ./explanation-plot.ts draws it.
 */
import type { MeasuredPower } from '@app/iam';
import type { GroupTest, RequestDecision, RequestVerdict, SampleVerdict } from './decision.js';
import { COMPARISONS, type DescribedTest, describeTest, FELL_BACK, type RequestTest } from './group-test.js';

/** One committed sample of the request as it was measured; numbers are null where the sample has no score. */
export interface ExplainedSample {
  readonly leafIndex: string;
  readonly verdict: SampleVerdict;
  /** Completeness in [0, 1]: 1 = as never trained on. */
  readonly score: number | null;
  /** Signals of the release, of the OUT reference (mean of the shadows) and of the IN reference, on one scale. */
  readonly target: number | null;
  readonly out: number | null;
  readonly in_: number | null;
  readonly pResidual: number | null;
  readonly pMember: number | null;
}

export interface ExplanationInput {
  readonly request: RequestDecision;
  readonly samples: readonly ExplainedSample[];
  /** Completeness scores the request was compared with; NaN = unscorable. */
  readonly calibration: Float64Array;
  readonly controls: Float64Array;
  readonly power: MeasuredPower;
  /** Operating false-positive rate. */
  readonly alpha: number;
  readonly requestTest: RequestTest;
  /** The test that the profile froze. */
  readonly profileTest: GroupTest;
}

/** Where scores of a comparison set lie. */
export interface ScoreRange {
  readonly size: number;
  readonly mean: number;
  /** 5 % and 95 % quantiles. */
  readonly low: number;
  readonly high: number;
}

/** One question put to the request, with its answer. */
export interface Finding {
  readonly question: 'NEVER_TRAINED_LOW' | 'STILL_A_MEMBER' | 'NEVER_TRAINED_HIGH';
  readonly pValue: number;
  readonly threshold: number;
  /** p <= threshold: the hypothesis is rejected. */
  readonly crossed: boolean;
}

export interface Explanation {
  readonly verdict: RequestVerdict;
  readonly statistic: number | null;
  readonly neverTrained: ScoreRange | null;
  readonly members: ScoreRange | null;
  readonly findings: readonly Finding[];
  /** What the p-values stand on. */
  readonly requestTest: DescribedTest;
  /** Median of the samples' levels. */
  readonly level: number | null;
  /**
   * With each sample's place between OUT (0) and IN (1): (target - OUT) / (IN - OUT), beyond both ends where the
   * release lies outside; null where OUT and IN coincide or a signal is missing.
   */
  readonly samples: readonly (ExplainedSample & { readonly level: number | null })[];
  /** One sentence: the verdict in words. */
  readonly headline: string;
  /** The reasons, one thought a sentence, in reading order. */
  readonly sentences: readonly string[];
}

const HEADLINES: Readonly<Record<RequestVerdict, string>> = {
  NO_RESIDUAL_EVIDENCE: 'No sign was found that this release still holds the samples of this request.',
  RESIDUAL: 'This release behaves as if it had still been trained on the samples of this request.',
  OVER_UNLEARNED:
    'This release does worse on these samples than models that never saw them: the forgetting itself can be noticed.',
  INCONCLUSIVE: 'The measurements of this request do not allow a clear answer.',
  UNSCORABLE: 'No sample of this request could be measured under this release.',
  NO_LONGER_VERIFIABLE: 'The samples of this request have been erased and cannot be measured any more.',
  NOT_APPLICABLE: 'The promise made for these samples does not cover this release.',
};

/** Below this OUT and IN do not differ beyond rounding, and a place between them means nothing. */
const LEAST_SPAN = 1e-9;

const figure = (value: number): string => value.toFixed(3);
const percent = (rate: number): string => `${(100 * rate).toFixed(1)} %`;
const limit = (value: number): string => String(Number(value.toPrecision(2)));

/** "in 13 of 100", "in 1 of 20,000": a p-value as people say it. */
function frequency(p: number): string {
  if (p >= 0.01) return `in ${String(Math.round(100 * p))} of 100`;
  return `in 1 of ${Math.round(1 / p).toLocaleString('en-GB')}`;
}

function levelOf({ target, out, in_ }: ExplainedSample): number | null {
  if (target === null || out === null || in_ === null || Math.abs(in_ - out) < LEAST_SPAN) return null;
  return (target - out) / (in_ - out);
}

function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  return upper === undefined || lower === undefined ? null : (lower + upper) / 2;
}

function rangeOf(scores: Float64Array): ScoreRange | null {
  const sorted = scores.filter((score) => !Number.isNaN(score)).sort();
  if (sorted.length === 0) return null;
  const quantile = (share: number): number => sorted[Math.round(share * (sorted.length - 1))]!;
  return {
    size: sorted.length,
    mean: sorted.reduce((sum, score) => sum + score / sorted.length, 0),
    low: quantile(0.05),
    high: quantile(0.95),
  };
}

function findingsOf({ pResidual, pMember, pOver, thresholds }: RequestDecision): Finding[] {
  const asked = [
    ['NEVER_TRAINED_LOW', pResidual, thresholds.residual],
    ['STILL_A_MEMBER', pMember, thresholds.member],
    ['NEVER_TRAINED_HIGH', pOver, thresholds.over],
  ] as const;
  return asked.flatMap(([question, pValue, threshold]) =>
    pValue === null ? [] : [{ question, pValue, threshold, crossed: pValue <= threshold }],
  );
}

/** What a p-value counts. */
const NOUNS: Readonly<Record<GroupTest, { readonly never: string; readonly member: string }>> = {
  'single-samples': {
    never: 'Groups of never-trained samples',
    member: 'Groups of samples still in the training data',
  },
  'whole-clusters': {
    never: 'Clusters of never-trained samples',
    member: 'Clusters of samples still in the training data',
  },
  'any-dependence': { never: 'Never-trained samples', member: 'Samples still in the training data' },
};

function comparedInWords({ groupTest, clusters }: RequestTest, profileTest: GroupTest): string[] {
  const many = clusters
    ? ` There are ${String(clusters.calibration)} clusters of never-trained samples and ${String(clusters.controls)} of controls.`
    : '';
  return [...(groupTest === profileTest ? [] : [FELL_BACK]), `${COMPARISONS[groupTest]}${many}`];
}

function findingInWords(
  { question, pValue, threshold, crossed }: Finding,
  { never, member }: (typeof NOUNS)[GroupTest],
): string {
  const known = `(p = ${limit(pValue)}, limit in this verification ${limit(threshold)})`;
  switch (question) {
    case 'NEVER_TRAINED_LOW':
      return `${never} score this low ${frequency(pValue)} cases ${known}: ${
        crossed
          ? 'too rare to be chance, the samples left traces.'
          : 'that is well possible for a model without them.'
      }`;
    case 'STILL_A_MEMBER':
      return `${member} score this high ${frequency(pValue)} cases ${known}: ${
        crossed
          ? 'too rare, these samples are no longer treated as training data.'
          : 'being still in is not excluded.'
      }`;
    case 'NEVER_TRAINED_HIGH':
      return `${never} score this high ${frequency(pValue)} cases ${known}: ${
        crossed ? 'too rare, the release was pushed beyond forgetting.' : 'nothing unusual.'
      }`;
  }
}

function comparisonInWords(statistic: number, sampleCount: number, ranges: (ScoreRange | null)[]): string[] {
  const [neverTrained, members] = ranges;
  const samples = sampleCount === 1 ? 'one sample has' : `${String(sampleCount)} samples have on average`;
  return [
    `Its ${samples} a completeness score of ${figure(statistic)} (1 = as if never trained on, 0 = as training data).`,
    neverTrained
      ? `${String(neverTrained.size)} samples known to be never trained on average ${figure(neverTrained.mean)}.`
      : 'There is no calibration set of never-trained samples to compare with.',
    members
      ? `${String(members.size)} samples known to be in the training data average ${figure(members.mean)}.`
      : 'There are no control samples known to be in the training data to compare with.',
  ];
}

function levelInWords(level: number | null): string[] {
  if (level === null) return [];
  return [
    `Between a reference that never saw the samples (0 %) and the model before unlearning (100 %), ` +
      `the release stands at ${String(Math.round(100 * level))} %.`,
  ];
}

function powerInWords({ perRequest }: MeasuredPower, alpha: number): string {
  const { trials, rate, low, high, groupSize } = perRequest;
  if (trials === 0) return 'How often this test finds samples that are still held was not measured.';
  return (
    `The test found ${percent(rate)} of groups of ${String(groupSize)} known training samples ` +
    `(95 % interval ${percent(low)} to ${percent(high)}) at a false-alarm rate of ${percent(alpha)}.`
  );
}

function unmeasuredInWords(samples: readonly ExplainedSample[]): string[] {
  const unscorable = samples.filter(({ verdict }) => verdict === 'UNSCORABLE').length;
  const erased = samples.filter(({ verdict }) => verdict === 'NO_LONGER_VERIFIABLE').length;
  return [
    ...(unscorable > 0 ? [`${String(unscorable)} of its samples gave no usable measurement.`] : []),
    ...(erased > 0
      ? [`${String(erased)} of its samples were erased and are not part of the measurement.`]
      : []),
  ];
}

/** The verdict of one request with its numbers and words. */
export function explainRequest(input: ExplanationInput): Explanation {
  const { request, power, alpha, requestTest, profileTest } = input;
  const samples = input.samples.map((sample) => ({ ...sample, level: levelOf(sample) }));
  const level = median(samples.flatMap((sample) => (sample.level === null ? [] : [sample.level])));
  const neverTrained = rangeOf(input.calibration);
  const members = rangeOf(input.controls);
  const findings = findingsOf(request);
  const { statistic, sampleCount } = request;
  return {
    verdict: request.verdict,
    statistic,
    neverTrained,
    members,
    findings,
    requestTest: describeTest(requestTest),
    level,
    samples,
    headline: HEADLINES[request.verdict],
    sentences: [
      ...(statistic === null ? [] : comparisonInWords(statistic, sampleCount, [neverTrained, members])),
      ...(findings.length > 0 ? comparedInWords(requestTest, profileTest) : []),
      ...findings.map((finding) => findingInWords(finding, NOUNS[requestTest.groupTest])),
      ...levelInWords(level),
      ...unmeasuredInWords(samples),
      ...(statistic === null ? [] : [powerInWords(power, alpha)]),
    ],
  };
}
