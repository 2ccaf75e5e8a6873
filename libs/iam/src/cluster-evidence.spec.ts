import { describe, expect, it } from 'vitest';
import { clusterPValues } from './cluster-evidence.js';
import { SeededRandom } from './random.js';

/** `count` clusters of `size` scores that share three quarters of their spread. */
function clustered(
  random: SeededRandom,
  count: number,
  size: number,
): { scores: Float64Array; cluster: Int32Array } {
  const scores = new Float64Array(count * size);
  const cluster = new Int32Array(count * size);
  for (let c = 0; c < count; c++) {
    const shared = random.nextUnit();
    for (let i = 0; i < size; i++) {
      scores[c * size + i] = 0.75 * shared + 0.25 * random.nextUnit();
      cluster[c * size + i] = c;
    }
  }
  return { scores, cluster };
}

describe('clusterPValues', () => {
  it('ranks a request among the clusters large enough for it, a larger one by a part of it', () => {
    const { statistic, pLower, pUpper, finest } = clusterPValues({
      nullScores: Float64Array.of(0.1, 0.1, 0.5, 0.5, 0.9, 0.9, 0.3, NaN),
      nullCluster: Int32Array.of(1, 1, 2, 2, 3, 3, 4, 4),
      requests: [
        Float64Array.of(0.4, 0.6),
        Float64Array.of(0.05),
        Float64Array.of(0, 0, 0),
        new Float64Array(0),
      ],
      seed: 1,
    });
    expect(statistic).toEqual([0.5, 0.05, 0, null]);
    expect([...pLower]).toEqual([3 / 4, 1 / 5, 1 / 4, 1]);
    expect([...pUpper]).toEqual([3 / 4, 1, 1, 1]);
    expect([...finest]).toEqual([1 / 4, 1 / 5, 1 / 4, 1]);
  });

  it('cuts a request down until enough clusters can be compared with it', () => {
    const { pLower, finest } = clusterPValues({
      nullScores: Float64Array.of(0.5, 0.5, 0.5, 0.6, 0.6, 0.7, 0.8),
      nullCluster: Int32Array.of(1, 1, 1, 2, 2, 3, 4),
      requests: [Float64Array.of(0.1, 0.1, 0.1), Float64Array.of(0.1, 0.1)],
      seed: 1,
      leastClusters: 4,
    });
    expect([...pLower]).toEqual([1 / 5, 1 / 5]);
    expect([...finest]).toEqual([1 / 5, 1 / 5]);
  });

  it('has p = 1 where there is no cluster', () => {
    const none = { nullScores: new Float64Array(0), nullCluster: new Int32Array(0) };
    expect([...clusterPValues({ ...none, requests: [Float64Array.of(0.5)], seed: 1 }).pLower]).toEqual([1]);
  });

  it('is super-uniform where samples of a request stick together', () => {
    const random = new SeededRandom('clusters');
    const p = Array.from({ length: 500 }, (_, run) => {
      const { scores, cluster } = clustered(random, 39, 8);
      const request = clustered(random, 1, 5).scores;
      return clusterPValues({ nullScores: scores, nullCluster: cluster, requests: [request], seed: run })
        .pLower[0]!;
    });
    for (const t of [0.025, 0.05, 0.2]) {
      expect(p.filter((value) => value <= t).length).toBeLessThanOrEqual(
        500 * t + 4 * Math.sqrt(500 * t * (1 - t)),
      );
    }
  });

  it('is super-uniform for requests that are larger than the clusters, too', () => {
    const random = new SeededRandom('large');
    const p = Array.from({ length: 500 }, (_, run) => {
      const { scores, cluster } = clustered(random, 39, 4);
      const request = clustered(random, 1, 12).scores;
      return clusterPValues({
        nullScores: scores,
        nullCluster: cluster,
        requests: [request],
        seed: run,
        leastClusters: 39,
      }).pLower[0]!;
    });
    for (const t of [0.025, 0.05, 0.2]) {
      const count = p.filter((value) => value <= t).length;
      expect(Math.abs(count - 500 * t)).toBeLessThanOrEqual(4 * Math.sqrt(500 * t * (1 - t)));
    }
  });

  it('refuses scores without clusters', () => {
    const input = { nullScores: Float64Array.of(0.5), nullCluster: new Int32Array(0), requests: [], seed: 1 };
    expect(() => clusterPValues(input)).toThrow(expect.objectContaining({ code: 'IAM_LENGTH_MISMATCH' }));
  });
});
