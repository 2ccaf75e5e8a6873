import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { IamError } from './errors.js';
import { scorePooled, type PooledScoreInput } from './pooled.js';
import { boundedGumbel, transformSignal } from './signals.js';

const VECTORS = new URL('../../../test/vectors/iam/', import.meta.url);

describe('scorePooled on the real MUSE-News losses (retrain)', () => {
  const recorded = JSON.parse(
    gunzipSync(readFileSync(new URL('llm_retrain.json.gz', VECTORS))).toString(),
  ) as Record<'nlloss' | 'ref_nlloss' | 'fitRef_nlloss' | 'ip_ppl_b64' | 'ip_ppl_whole', number[]>;
  const signals = (losses: number[]) =>
    Float64Array.from(losses, (nll) =>
      transformSignal(nll, { signalKind: 'loss', epsilon1: 0.1, epsilon2: 1e-5 }),
    );
  const input: PooledScoreInput = {
    target: signals(recorded.nlloss),
    out: signals(recorded.ref_nlloss),
    shadows: 1,
    in_: signals(recorded.fitRef_nlloss),
    signalKind: 'loss',
    likelihood: 'gumbel',
    levels: 1000,
  };

  it.each([
    ['batches of 64', 64, 'ip_ppl_b64'],
    ['one batch', undefined, 'ip_ppl_whole'],
  ] as const)('%s equals 1 - ip_ppl to 1e-9', (_, batch, name) => {
    const scores = scorePooled(batch === undefined ? input : { ...input, batch });
    const published = Float64Array.from(recorded[name]);
    expect(
      largestDifference(
        scores,
        published.map((score) => 1 - score),
      ),
    ).toBeLessThan(1e-9);
  });
});

function largestDifference(a: Float64Array, b: Float64Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), 0);
}
void boundedGumbel;
void IamError;
