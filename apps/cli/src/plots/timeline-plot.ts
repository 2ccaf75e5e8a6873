import type { Mark } from 'vega';
import type { TimelineRelease } from '../timeline-report.js';
import { requestRows } from '../timeline-report.js';
import { COLOURS, PLOT_SIZE, renderSvg } from './svg.js';

export interface TimelinePlot {
  readonly model: string;
  readonly releases: readonly TimelineRelease[];
}

/** Fewer pixels than one a request show nothing. */
const MOST_REQUESTS = PLOT_SIZE;
/** More names than these overlap, of requests and of releases. */
const MOST_NAMES = 40;
const MOST_RELEASE_NAMES = 20;
/** In the order of {@link COLOURS}, so that red is what is wrong and green what is right. */
const VERDICTS = [
  'NOT_APPLICABLE',
  'RESIDUAL',
  'NO_RESIDUAL_EVIDENCE',
  'OVER_UNLEARNED',
  'INCONCLUSIVE',
  'NO_LONGER_VERIFIABLE',
  'UNSCORABLE',
];

const PLACE = { x: { scale: 'x', field: 'release' }, y: { scale: 'y', field: 'request' } };

/** Square pixels of the dot of a recurrence; smaller where the rows are, so that dots do not run into each other. */
const LARGEST_DOT = 18;
const dotOf = (rows: number): number => Math.min(LARGEST_DOT, (PLOT_SIZE / rows / 2) ** 2);

/** A cell a verdict, a dot a recurrence. */
const marksOf = (rows: number): Mark[] => [
  {
    type: 'rect',
    from: { data: 'cells' },
    encode: {
      enter: {
        ...PLACE,
        width: { scale: 'x', band: 1 },
        height: { scale: 'y', band: 1 },
        fill: { scale: 'colour', field: 'verdict' },
      },
    },
  },
  {
    type: 'symbol',
    from: { data: 'recurrences' },
    encode: {
      enter: {
        x: { ...PLACE.x, band: 0.5 },
        y: { ...PLACE.y, band: 0.5 },
        size: { value: dotOf(rows) },
        fill: { value: 'white' },
      },
    },
  },
];

/**
 * Releases from left to right, requests from top to bottom (those that were ever residual first, at most 420), coloured by
 * verdict, as an SVG document. A white dot is a recurrence; an empty cell was not tested.
 */
export async function renderTimeline({ model, releases }: TimelinePlot): Promise<string> {
  const shown = requestRows(releases).slice(0, MOST_REQUESTS);
  const kept = new Set(shown.map(({ requestId }) => requestId));
  // Names are unique within a model.
  const cells = releases.flatMap(({ release, requests }) =>
    requests
      .filter(({ requestId }) => kept.has(requestId))
      .map(({ requestId, verdict, recurred }) => ({
        release: release.name,
        request: requestId,
        verdict,
        recurred,
      })),
  );
  const verdicts = VERDICTS.filter((verdict) => cells.some((cell) => cell.verdict === verdict));
  return renderSvg({
    description: `Verdict on each deletion request of model ${model} under each release; a white dot is a recurrence.`,
    title: `${model}: ${String(shown.length)} requests under ${String(releases.length)} releases`,
    data: [
      { name: 'cells', values: cells },
      { name: 'recurrences', values: cells.filter(({ recurred }) => recurred) },
    ],
    scales: [
      {
        name: 'x',
        type: 'band',
        range: 'width',
        domain: releases.map(({ release }) => release.name),
        padding: 0.05,
      },
      { name: 'y', type: 'band', range: 'height', domain: shown.map(({ requestId }) => requestId) },
      {
        name: 'colour',
        type: 'ordinal',
        domain: verdicts,
        range: verdicts.map((verdict) => COLOURS[VERDICTS.indexOf(verdict)]!),
      },
    ],
    axes: [
      {
        orient: 'bottom',
        scale: 'x',
        labelAngle: -25,
        labelAlign: 'right',
        labelOverlap: releases.length > MOST_RELEASE_NAMES,
        grid: false,
      },
      {
        orient: 'left',
        scale: 'y',
        title: 'Deletion request',
        labels: shown.length <= MOST_NAMES,
        ticks: false,
        grid: false,
        labelLimit: 70,
      },
    ],
    legends: [{ fill: 'colour', orient: 'bottom', columns: 2, direction: 'vertical' }],
    marks: marksOf(shown.length),
  });
}
