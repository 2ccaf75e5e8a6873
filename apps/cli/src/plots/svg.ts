import type { Spec } from 'vega';

/** Width and height of every plot in CSS pixels: two fit beside each other on a page. */
export const PLOT_SIZE = 420;

/** Colours that people with the common colour-vision deficiencies tell apart (Okabe and Ito 2008). */
export const COLOURS = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#000000'];

const FONT = 'system-ui, sans-serif';

/**
 * The plot as an SVG document. Vega draws without a browser; it is loaded on first use, because commands that plot
 * nothing should not pay for it.
 */
export async function renderSvg(spec: Spec): Promise<string> {
  const vega = await import('vega');
  const view = new vega.View(vega.parse({ ...spec, ...FRAME }), { renderer: 'none' });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

const FRAME: Pick<Spec, 'width' | 'height' | 'padding' | 'background' | 'config'> = {
  width: PLOT_SIZE,
  height: PLOT_SIZE,
  padding: 8,
  background: 'white',
  config: {
    axis: { labelFont: FONT, titleFont: FONT, grid: true, gridColor: '#e5e5e5', labelFontSize: 11 },
    legend: { labelFont: FONT, titleFont: FONT, labelFontSize: 11, labelLimit: 320 },
    title: { font: FONT, fontSize: 14 },
  },
};
