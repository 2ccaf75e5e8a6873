import { COLOURS, renderSvg } from './svg.js';

export interface HistogramPlot {
  readonly title: string;
  /** What the scores are and which end means member. */
  readonly axis: string;
  readonly scores: Float64Array;
  /** 1 = retained, 0 = forgotten, as long as `scores`. */
  readonly labels: ArrayLike<number>;
}

/** Enough to show two humps, few enough that a hundred samples still fill them. */
const BINS = 50;

const CLASSES = [
  { label: 1, name: 'retained' },
  { label: 0, name: 'forgotten' },
] as const;

/** The scores of retained and of forgotten samples, each as shares of its own class, as an SVG document. */
export async function renderHistogram({ title, axis, scores, labels }: HistogramPlot): Promise<string> {
  const lowest = scores.reduce((low, score) => Math.min(low, score), Infinity);
  const highest = scores.reduce((high, score) => Math.max(high, score), -Infinity);
  const width = (highest - lowest) / BINS || 1;
  const bars = CLASSES.flatMap(({ label, name }) => {
    const counts = new Float64Array(BINS);
    scores.forEach((score, i) => {
      if (labels[i] === label) counts[Math.min(BINS - 1, Math.floor((score - lowest) / width))]! += 1;
    });
    const total = counts.reduce((sum, count) => sum + count, 0) || 1;
    return Array.from(counts, (count, bin) => ({
      from: lowest + bin * width,
      to: lowest + (bin + 1) * width,
      share: count / total,
      name: `${name} (${String(total)})`,
    }));
  });
  const names = [...new Set(bars.map(({ name }) => name))];
  return renderSvg({
    description: `${title}: histogram of scores, ${names.join(' and ')} samples.`,
    title,
    data: [{ name: 'bars', values: bars }],
    scales: [
      { name: 'x', type: 'linear', range: 'width', domain: [lowest, lowest + BINS * width], zero: false },
      { name: 'y', type: 'linear', range: 'height', domain: { data: 'bars', field: 'share' }, nice: true },
      { name: 'colour', type: 'ordinal', domain: names, range: COLOURS },
    ],
    axes: [
      // Scores of some attacks reach 1e60: short numbers, and as many as fit.
      { orient: 'bottom', scale: 'x', title: axis, format: '~g', labelOverlap: true, tickCount: 7 },
      { orient: 'left', scale: 'y', title: 'Share of the class', format: '%' },
    ],
    legends: [{ fill: 'colour', orient: 'top' }],
    marks: [
      {
        type: 'rect',
        from: { data: 'bars' },
        encode: {
          enter: {
            x: { scale: 'x', field: 'from' },
            x2: { scale: 'x', field: 'to' },
            y: { scale: 'y', field: 'share' },
            y2: { scale: 'y', value: 0 },
            fill: { scale: 'colour', field: 'name' },
            fillOpacity: { value: 0.55 },
          },
        },
      },
    ],
  });
}
