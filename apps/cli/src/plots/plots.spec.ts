import { describe, expect, it } from 'vitest';
import { auc, rocCurve } from '@app/iam';
import { renderHistogram } from './histogram-plot.js';
import { renderRoc } from './roc-plot.js';

const scores = Float64Array.from({ length: 400 }, (_, i) => Math.sin(i * i) + (i % 2) * 0.8);
const labels = Uint8Array.from({ length: 400 }, (_, i) => i % 2);

describe('renderRoc', () => {
  const curve = rocCurve(scores, labels);
  const lines = Array.from({ length: 9 }, (_, i) => ({
    name: `line <${String(i)}>`,
    auc: auc(scores, labels),
    curve,
  }));

  it.each([false, true])('draws and names every line (logarithmic: %s)', async (logarithmic) => {
    const svg = await renderRoc({ title: 'A & B', lines, logarithmic });
    expect(svg).toMatch(/^<svg[^>]*viewBox/);
    expect(svg.match(/<path[^>]*stroke-width="1.75"/g)).toHaveLength(9);
    for (const name of ['line &lt;0&gt;', 'line &lt;8&gt;', 'A &amp; B']) expect(svg).toContain(name);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    expect(await renderRoc({ title: 'A & B', lines, logarithmic })).toBe(svg);
  });

  it('stays small however many samples there are', async () => {
    const many = Float64Array.from({ length: 50_000 }, (_, i) => Math.sin(i * 1.7));
    const dense = rocCurve(
      many,
      Array.from(many, (_, i) => i % 3 === 0),
    );
    const svg = await renderRoc({
      title: '',
      lines: [{ name: 'x', auc: 0.5, curve: dense }],
      logarithmic: false,
    });
    expect(svg.length).toBeLessThan(60_000);
  });
});

describe('renderHistogram', () => {
  it('draws both classes as shares of their own', async () => {
    const svg = await renderHistogram({ title: 'Scores', axis: 'Score', scores, labels });
    expect(svg).toContain('retained (200)');
    expect(svg).toContain('forgotten (200)');
    expect(svg.match(/fill-opacity="0.55"/g)).toHaveLength(100);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('copes with scores that are all alike', async () => {
    const svg = await renderHistogram({
      title: 'Flat',
      axis: 'Score',
      scores: new Float64Array(4),
      labels: [0, 1, 0, 1],
    });
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });
});
