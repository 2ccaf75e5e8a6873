import type { RocCurve } from '@app/iam';
import type { Mark } from 'vega';
import { COLOURS, renderSvg } from './svg.js';

export interface RocPlot {
  readonly title: string;
  /** One line each, drawn and listed in this order. */
  readonly lines: readonly { readonly name: string; readonly auc: number; readonly curve: RocCurve }[];
  /** Both axes logarithmic, as membership inference is judged: who is found while hardly anybody is accused wrongly. */
  readonly logarithmic: boolean;
}

/** Vertices nearer than this to the last one drawn, as a share of the axis, would not be seen. */
const VISIBLE_STEP = 1 / 800;

/** The logarithmic axes begin here at the latest; fewer than a thousand negatives show nothing below. */
const LOWEST_RATE = 1e-3;

const CHANCE_LINE: Mark = {
  type: 'line',
  from: { data: 'chance' },
  encode: {
    enter: {
      x: { scale: 'x', field: 'rate' },
      y: { scale: 'y', field: 'rate' },
      stroke: { value: '#999999' },
      strokeDash: { value: [4, 4] },
    },
  },
};

const CURVES: Mark = {
  type: 'group',
  from: { facet: { name: 'series', data: 'points', groupby: 'line' } },
  marks: [
    {
      type: 'line',
      from: { data: 'series' },
      encode: {
        enter: {
          x: { scale: 'x', field: 'x' },
          y: { scale: 'y', field: 'y' },
          stroke: { scale: 'colour', field: 'line' },
          strokeDash: { scale: 'dash', field: 'line' },
          strokeWidth: { value: 1.75 },
        },
      },
    },
  ],
};

/** ROC curves of several scores as an SVG document. */
export async function renderRoc({ title, lines, logarithmic }: RocPlot): Promise<string> {
  const lowest = logarithmic ? LOWEST_RATE : 0;
  const names = lines.map(({ name, auc }) => `${name} (AUC ${auc.toFixed(4)})`);
  const points = lines.flatMap(({ curve }, i) =>
    visibleVertices(curve, logarithmic).map(([x, y]) => ({ x, y, line: names[i] })),
  );
  const scale = (name: 'x' | 'y', range: 'width' | 'height') => ({
    name,
    range,
    type: logarithmic ? ('log' as const) : ('linear' as const),
    domain: [lowest, 1],
    clamp: true,
  });
  const ticks = logarithmic ? { values: [0.001, 0.01, 0.1, 1] } : {};
  return renderSvg({
    description: `${title}: true-positive rate against false-positive rate. ${names.join(', ')}.`,
    title,
    data: [
      { name: 'points', values: points },
      { name: 'chance', values: [lowest, 0.003, 0.01, 0.03, 0.1, 0.3, 1].map((rate) => ({ rate })) },
    ],
    scales: [
      scale('x', 'width'),
      scale('y', 'height'),
      { name: 'colour', type: 'ordinal', domain: names, range: COLOURS },
      { name: 'dash', type: 'ordinal', domain: names, range: names.map(dashOf) },
    ],
    axes: [
      {
        orient: 'bottom',
        scale: 'x',
        title: 'False-positive rate: forgotten samples called members',
        ...ticks,
      },
      { orient: 'left', scale: 'y', title: 'True-positive rate: retained samples called members', ...ticks },
    ],
    legends: [
      {
        stroke: 'colour',
        strokeDash: 'dash',
        symbolType: 'stroke',
        orient: 'bottom',
        columns: 2,
        direction: 'vertical',
      },
    ],
    marks: [CHANCE_LINE, CURVES],
  });
}

/** Lines beyond the number of colours are told apart by dashes. */
function dashOf(_: string, index: number): number[] {
  return index < COLOURS.length ? [1, 0] : [6, 3];
}

/** The vertices that move the pen far enough to be seen, the last one always. */
function visibleVertices(curve: RocCurve, logarithmic: boolean): (readonly [number, number])[] {
  const place = (rate: number) =>
    logarithmic ? 1 - Math.log(Math.max(rate, LOWEST_RATE)) / Math.log(LOWEST_RATE) : rate;
  const kept: (readonly [number, number])[] = [];
  let [lastX, lastY] = [-Infinity, -Infinity];
  curve.falsePositiveRate.forEach((x, i) => {
    const y = curve.truePositiveRate[i]!;
    const end = i === curve.falsePositiveRate.length - 1;
    // Left of a logarithmic plot: the line begins with the last vertex there, not with a climb along the edge.
    if (logarithmic && !end && curve.falsePositiveRate[i + 1]! <= LOWEST_RATE) return;
    if (!end && Math.max(place(x) - lastX, place(y) - lastY) < VISIBLE_STEP) return;
    kept.push(logarithmic ? [Math.max(x, LOWEST_RATE), Math.max(y, LOWEST_RATE)] : [x, y]);
    [lastX, lastY] = [place(x), place(y)];
  });
  return kept;
}
