/** What `lacuna why` prints. Proven by why-report.spec.ts. */
import Table from 'cli-table3';

interface Range {
  readonly size: number;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** As the daemon answers `explainRequest`. */
export interface Explained {
  readonly verdict: string;
  readonly headline: string;
  readonly sentences: readonly string[];
  readonly statistic: number | null;
  /** Place of the release between OUT (0) and IN (1). */
  readonly level: number | null;
  readonly operatingFalsePositiveRate: number;
  readonly findings: readonly {
    readonly question: string;
    readonly pValue: number;
    readonly threshold: number;
    readonly crossed: boolean;
  }[];
  readonly neverTrained: Range | null;
  readonly members: Range | null;
  readonly samples: readonly {
    readonly leafIndex: string;
    readonly verdict: string;
    readonly score: number | null;
    readonly target: number | null;
    readonly out: number | null;
    readonly in: number | null;
    readonly level: number | null;
    readonly pResidual: number | null;
    readonly pMember: number | null;
  }[];
  readonly errorBudget: {
    readonly alarm: boolean;
    readonly pValue: number;
    readonly level: number;
    readonly place: number;
    readonly horizon: number;
    readonly epoch: number;
  } | null;
  readonly verification: {
    readonly id: string;
    readonly result: string;
    readonly requestedAt: string;
    readonly release: { readonly id: string; readonly name: string };
    readonly model: { readonly name: string };
  };
  /** SVG document. */
  readonly plot: string;
}

const QUESTIONS: Readonly<Record<string, string>> = {
  NEVER_TRAINED_LOW: 'never trained on? (low scores)',
  STILL_A_MEMBER: 'still training data?',
  NEVER_TRAINED_HIGH: 'never trained on? (high scores)',
};

/** Samples shown one by one; the rest are in `--json`. */
const SHOWN_SAMPLES = 20;

const figure = (value: number | null, digits = 3): string => (value === null ? '-' : value.toFixed(digits));
const short = (value: number): string => String(Number(value.toPrecision(3)));
const plain = { style: { head: [], border: [] } };

export function explanationAsText(requestId: string, explained: Explained, plotFile: string): string {
  const { verdict, headline, sentences, verification, samples } = explained;
  const more = samples.length - SHOWN_SAMPLES;
  return [
    `Deletion request ${requestId}`,
    `Model ${verification.model.name}, release ${verification.release.name} (${verification.release.id})`,
    `Verification ${verification.id} of ${verification.requestedAt}: ${verification.result}`,
    '',
    `${verdict}: ${headline}`,
    ...sentences.map((sentence) => `- ${sentence}`),
    ...alarmLine(explained),
    '',
    findingsTable(explained),
    '',
    'Each sample, in numbers of the models (no content). score: 1 = as if never trained on; level: 0 = like a model that',
    'never saw it, 1 = like the model before unlearning.',
    samplesTable(samples.slice(0, SHOWN_SAMPLES)),
    ...(more > 0 ? [`and ${more} more: see --json`] : []),
    `plot: ${plotFile}`,
    '',
  ].join('\n');
}

function alarmLine({ errorBudget }: Explained): string[] {
  if (!errorBudget) return [];
  const { alarm, pValue, level, place, horizon } = errorBudget;
  const verdict = alarm ? 'an alarm' : 'no alarm';
  return [
    `- The release as a whole is ${verdict} for this model: p = ${short(pValue)} against ${short(level)}, its share of ` +
      `the false alarms allowed to ${horizon} releases (it is number ${place + 1}).`,
  ];
}

function findingsTable({ findings }: Explained): string {
  const table = new Table({ head: ['question', 'p', 'limit', 'answer'], ...plain });
  for (const { question, pValue, threshold, crossed } of findings)
    table.push([
      QUESTIONS[question] ?? question,
      short(pValue),
      short(threshold),
      crossed ? 'no (limit crossed)' : 'cannot be excluded',
    ]);
  return table.toString();
}

function samplesTable(samples: Explained['samples']): string {
  const table = new Table({
    head: ['leaf', 'verdict', 'score', 'release', 'out', 'in', 'level', 'p never', 'p member'],
    ...plain,
  });
  for (const sample of samples)
    table.push([
      sample.leafIndex,
      sample.verdict,
      figure(sample.score),
      figure(sample.target),
      figure(sample.out),
      figure(sample.in),
      figure(sample.level, 2),
      figure(sample.pResidual, 4),
      figure(sample.pMember, 4),
    ]);
  return table.toString();
}
