import type { ScoreBoard } from '@app/iam';
import { renderHistogram } from '../plots/histogram-plot.js';
import { renderRoc } from '../plots/roc-plot.js';
import { namesInOrder } from './score-report.js';

export interface NamedPlot {
  /** File name without its end. */
  readonly name: string;
  readonly svg: string;
}

/** Every line's ROC curve on linear and on logarithmic axes, and one histogram for each line. */
export async function plotBoard(board: ScoreBoard): Promise<NamedPlot[]> {
  const names = namesInOrder(board);
  const lines = names.map((name) => ({ name, ...board.rows[name]! }));
  const plots: NamedPlot[] = [
    { name: 'roc', svg: await renderRoc({ title: 'ROC', lines, logarithmic: false }) },
    { name: 'roc-log', svg: await renderRoc({ title: 'ROC, logarithmic axes', lines, logarithmic: true }) },
  ];
  for (const { name, membership } of lines) {
    const svg = await renderHistogram({
      title: `Scores: ${name}`,
      axis: `${name} (higher = more like training data)`,
      scores: membership,
      labels: board.labels,
    });
    plots.push({ name: `histogram-${name}`, svg });
  }
  return plots;
}
