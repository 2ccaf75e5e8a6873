/**
 * The small plot beside an explanation: where the request's samples lie between training data and never-trained
 * samples. Plain SVG 1.1, no script, no font, readable in print. Proven by explanation.spec.ts.
 */
import type { Explanation, ScoreRange } from './explanation.js';

const WIDTH = 480;
const HEIGHT = 132;
const LEFT = 110;
const RIGHT = 16;
const ROWS = { members: 28, neverTrained: 58, request: 88 } as const;

const place = (score: number): string => (LEFT + score * (WIDTH - LEFT - RIGHT)).toFixed(1);

const label = (y: number, text: string): string => `<text x="8" y="${String(y + 4)}">${text}</text>`;

function band(y: number, text: string, range: ScoreRange | null, colour: string): string {
  if (!range) return label(y, text);
  const width = Math.max(1, Number(place(range.high)) - Number(place(range.low))).toFixed(1);
  return (
    label(y, text) +
    `<rect x="${place(range.low)}" y="${String(y - 8)}" width="${width}" height="16" fill="${colour}" fill-opacity="0.35"/>` +
    `<path d="M${place(range.mean)} ${String(y - 8)}v16" stroke="${colour}" stroke-width="2"/>`
  );
}

function marks({ samples, statistic }: Explanation): string {
  const y = ROWS.request;
  const dots = samples.flatMap(({ score }) =>
    score === null
      ? []
      : [`<circle cx="${place(score)}" cy="${String(y)}" r="4" fill="#222" fill-opacity="0.45"/>`],
  );
  const mean =
    statistic === null
      ? ''
      : `<path d="M${place(statistic)} ${String(y - 10)}v20" stroke="#c0392b" stroke-width="3"/>`;
  return label(y, 'this request') + dots.join('') + mean;
}

function axis(): string {
  const ticks = [0, 0.25, 0.5, 0.75, 1].map(
    (tick) =>
      `<text x="${place(tick)}" y="${String(HEIGHT - 6)}" text-anchor="middle">${String(tick)}</text>`,
  );
  return `<path d="M${place(0)} ${String(HEIGHT - 24)}H${place(1)}" stroke="#888"/>${ticks.join('')}`;
}

/** The plot as an SVG document; bands are the middle 90 % of each comparison set, the red line is the request's mean. */
export function plotExplanation(explanation: Explanation): string {
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${String(WIDTH)} ${String(HEIGHT)}" ` +
    `width="${String(WIDTH)}" height="${String(HEIGHT)}" font-family="sans-serif" font-size="11" role="img">` +
    `<title>Completeness scores: 1 = as if never trained on, 0 = as training data</title>` +
    band(ROWS.members, 'training data', explanation.members, '#d35400') +
    band(ROWS.neverTrained, 'never trained on', explanation.neverTrained, '#2471a3') +
    marks(explanation) +
    axis() +
    '</svg>'
  );
}
