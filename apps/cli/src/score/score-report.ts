/** What `lacuna score` prints: a table for people, one JSON object for programs. */
import Table from 'cli-table3';
import type { Interval, ScoreBoard } from '@app/iam';

/** Lines of the table in the order in which they are read; what is not named here comes behind. */
const READING_ORDER = [
  'iam_frozen',
  'iam_batch',
  'iam_whole',
  'loss',
  'ratio',
  'ratio_online',
  'lira_online',
];

/** Names of the lines of a board, the measurement first. */
export function namesInOrder({ rows }: ScoreBoard): string[] {
  return [
    ...READING_ORDER.filter((name) => name in rows),
    ...Object.keys(rows).filter((name) => !READING_ORDER.includes(name)),
  ];
}

export function boardAsJson(
  board: ScoreBoard,
  {
    kind,
    batch,
    plots,
  }: { readonly kind: string; readonly batch: number; readonly plots: readonly string[] },
): string {
  const { scored, unscorable, retained, auc, tpr, rows } = board;
  const ofRows = <T>(value: (row: ScoreBoard['rows'][string]) => T) =>
    Object.fromEntries(Object.entries(rows).map(([name, row]) => [name, value(row)]));
  return JSON.stringify({
    kind,
    batch,
    samples: { scored, unscorable, retained, forgotten: scored - retained },
    auc,
    tpr,
    auc_interval: ofRows(({ aucInterval: { low, high } }) => [low, high]),
    tpr_interval: ofRows(({ tprInterval }) =>
      Object.fromEntries(Object.entries(tprInterval).map(([rate, { low, high }]) => [rate, [low, high]])),
    ),
    plots,
  });
}

export function boardAsText(board: ScoreBoard, { plots }: { readonly plots: readonly string[] }): string {
  const { scored, unscorable, retained, rows } = board;
  const table = new Table({
    head: ['', 'AUC [95 %]', 'TPR at FPR 0.1', 'TPR at FPR 0.01'],
    style: { head: [], border: [] },
  });
  for (const name of namesInOrder(board)) {
    const { auc, aucInterval, tpr, tprInterval } = rows[name]!;
    const rate = (at: string) => withInterval(tpr[at]!, tprInterval[at]!, 3);
    table.push([name, withInterval(auc, aucInterval, 4), rate('0.1'), rate('0.01')]);
  }
  const left = unscorable > 0 ? `, ${unscorable} left out for want of a usable signal` : '';
  return [
    `${scored} samples: ${retained} retained, ${scored - retained} forgotten${left}`,
    table.toString(),
    'AUC: the chance that a retained sample looks more like training data than a forgotten one. 1 = the release tells',
    'them apart, as one that forgot does; 0.5 = it does not. Intervals: bootstrap over samples.',
    ...plots.map((path) => `plot: ${path}`),
    '',
  ].join('\n');
}

const withInterval = (value: number, { low, high }: Interval, digits: number): string =>
  `${value.toFixed(digits)} [${low.toFixed(digits)}, ${high.toFixed(digits)}]`;
