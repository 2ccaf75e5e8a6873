import { DEFAULT_PARAMETERS } from '@app/iam';
import { describe, expect, it } from 'vitest';
import type { ReferenceValues } from '../block.js';
import { requireSignals, ScaleBuilder } from './freeze.js';
import { formatProfile, parseProfile, type ProfileDocument } from './profile-document.js';

const parameters = { ...DEFAULT_PARAMETERS.loss, levels: 20 };
const rows = Array.from({ length: 40 }, (_, i) => [0.4 + i / 100, 1.8 + i / 90, 2.1 - i / 80] as const);
const valuesOf = (part: typeof rows): ReferenceValues => ({
  original: Float64Array.from(part, (row) => row[0]),
  shadows: [Float64Array.from(part, (row) => row[1]), Float64Array.from(part, (row) => row[2])],
});

function scaleOf(...parts: (typeof rows)[]) {
  const builder = new ScaleBuilder(parameters, null);
  for (const part of parts) builder.add(valuesOf(part));
  return builder.freeze();
}

describe('ScaleBuilder', () => {
  it('gives the same bits however the samples are cut and in whatever order they come', () => {
    const whole = scaleOf(rows);
    expect(scaleOf(rows.slice(0, 7), rows.slice(7))).toEqual(whole);
    expect(scaleOf(rows.slice(20), rows.slice(0, 20))).toEqual(whole);
    expect(whole.samples).toBe(40);
  });

  it('refuses samples without all reference signals, naming how many', () => {
    const holed = rows.map((row, i) => (i < 3 ? ([NaN, row[1], row[2]] as const) : row));
    expect(() => scaleOf(holed)).toThrow(
      expect.objectContaining({
        code: 'VERIFICATION_SIGNALS_MISSING',
        details: { missing: 3, of: 40, what: 'reference' },
      }),
    );
  });

  it('refuses signals without spread', () => {
    expect(() => scaleOf(rows.map(() => [0.5, 2, 2] as const))).toThrow(
      expect.objectContaining({ code: 'IAM_SCALE_DEGENERATE' }),
    );
  });
});

it('requireSignals passes when nothing is missing', () => {
  expect(() => requireSignals('calibration', 0, 5)).not.toThrow();
});

describe('the profile document', () => {
  const document: Omit<ProfileDocument, 'scale'> = {
    version: 1,
    modelId: 'm',
    measurement: parameters,
    decision: { alpha: 0.01, q: 0.05, powerFloor: 0.8, resamples: 1999, groupTest: 'single-samples' },
    references: { original: null, shadows: [] },
    calibration: { mode: 'same-release', sampleSetId: 'c', digest: 'd', size: 100 },
    controls: { sampleSetId: 'k', digest: 'e', size: 100 },
  };
  const scale = scaleOf(rows);

  it('reads back to the same scale, bit for bit', () => {
    const { text, digest } = formatProfile(document, scale);
    const read = parseProfile(text, digest);
    expect(read.scale).toEqual(scale);
    expect(formatProfile(read.document, read.scale)).toEqual({ text, digest });
  });

  it('has another digest for any other number in it', () => {
    const { digest } = formatProfile(document, scale);
    const other = { ...document, decision: { ...document.decision, q: 0.051 } };
    expect(formatProfile(other, scale).digest).not.toBe(digest);
    const sigma = scale.sigma.slice();
    sigma[3]! += 1e-15;
    expect(formatProfile(document, { ...scale, sigma }).digest).not.toBe(digest);
  });

  it('refuses a text that is not its digest’s', () => {
    const { text, digest } = formatProfile(document, scale);
    expect(() => parseProfile(text.replace('0.05', '0.06'), digest)).toThrow(
      expect.objectContaining({ code: 'VERIFICATION_PROFILE_CORRUPT' }),
    );
  });
});
