import { expect, it } from 'vitest';
import { type Explained, explanationAsText } from './why-report.js';

const sample = {
  leafIndex: '7',
  verdict: 'RESIDUAL',
  score: 0.11,
  target: 1.17,
  out: 1.72,
  in: 1.19,
  level: 1.04,
  pResidual: 0.0092,
  pMember: null,
};

const explained: Explained = {
  verdict: 'RESIDUAL',
  headline: 'The headline.',
  sentences: ['First.', 'Second.'],
  statistic: 0.11,
  level: 1.04,
  operatingFalsePositiveRate: 0.01,
  findings: [
    { question: 'NEVER_TRAINED_LOW', pValue: 0.0000125, threshold: 0.05, crossed: true },
    { question: 'STILL_A_MEMBER', pValue: 0.47, threshold: 0.00038, crossed: false },
  ],
  neverTrained: null,
  members: null,
  samples: Array.from({ length: 25 }, () => sample),
  errorBudget: { alarm: true, pValue: 0.0000125, level: 0.00382, place: 1, horizon: 1000, epoch: 0 },
  verification: {
    id: 'v',
    result: 'FAILED',
    requestedAt: '2026-11-23T16:19:06.664Z',
    release: { id: 'r', name: 'refusal' },
    model: { name: 'news' },
  },
  plot: '<svg/>',
};

it('says verdict, reasons, limits and samples in reading order', () => {
  const text = explanationAsText('request-1', explained, 'why.svg');
  const order = [
    'request-1',
    'release refusal',
    'RESIDUAL: The headline.',
    '- First.',
    '- Second.',
    'an alarm',
  ];
  const places = order.map((words) => text.indexOf(words));
  expect(places).not.toContain(-1);
  expect(places).toEqual([...places].sort((a, b) => a - b));
  expect(text).toMatch(/low scores\) +│ 0\.0000125 │ 0\.05 +│ no \(limit crossed\)/);
  expect(text).toMatch(/still training data\? +│ 0\.47 +│ 0\.00038 │ cannot be excluded/);
  expect(text).toMatch(/7 +│ RESIDUAL │ 0\.110 │ 1\.170 +│ 1\.720 │ 1\.190 │ 1\.04 +│ 0\.0092 +│ - /);
  expect(text).toContain('and 5 more');
  expect(text).toMatch(/plot: why\.svg\n$/);
});

it('leaves out what there is not', () => {
  const text = explanationAsText('x', { ...explained, errorBudget: null, samples: [], findings: [] }, 'f');
  expect(text).not.toMatch(/alarm|NaN|undefined|null/);
});
