import { describe, expect, it } from 'vitest';
import { measurePower } from './power.js';
import { SeededRandom } from './random.js';

const random = new SeededRandom('power');
const uniform = (count: number): Float64Array =>
  Float64Array.from({ length: count }, () => random.nextUnit());

describe('measurePower', () => {
  const calibration = uniform(999);

  it('is close to alpha where controls are no different: a blind test says so', () => {
    const { perSample, perRequest } = measurePower({
      calibration,
      controls: uniform(4_000),
      alpha: 0.05,
      groupSize: 10,
      seed: 1,
      resamples: 999,
    });
    expect(perSample).toMatchObject({ trials: 4_000 });
    expect(perSample.rate).toBeLessThan(0.08);
    expect(perRequest).toMatchObject({ trials: 400, groupSize: 10 });
    expect(perRequest.high).toBeLessThan(0.15);
  });

  it('is one where controls lie below every calibration score, and grows with the group', () => {
    const members = uniform(1_000).map((score) => score * 0.5);
    const power = (groupSize: number): number =>
      measurePower({ calibration, controls: members, alpha: 0.01, groupSize, seed: 1, resamples: 999 })
        .perRequest.rate;
    expect(power(10)).toBeGreaterThan(power(3));
    expect(power(50)).toBe(1);
  });

  it('has a documented value for no controls, too few for a group, and no calibration', () => {
    const plan = { calibration, alpha: 0.01, groupSize: 10, seed: 1 };
    const nothing = { rate: 0, low: 0, high: 1, trials: 0 };
    expect(measurePower({ ...plan, controls: Float64Array.of(NaN) })).toEqual({
      perSample: nothing,
      perRequest: { ...nothing, groupSize: 10 },
    });
    expect(measurePower({ ...plan, controls: new Float64Array(9) }).perRequest.trials).toBe(0);
    const blind = measurePower({
      ...plan,
      calibration: new Float64Array(0),
      controls: new Float64Array(100),
    });
    expect([blind.perSample.rate, blind.perRequest.rate]).toEqual([0, 0]);
  });

  it('does not depend on the order of the controls', () => {
    const controls = uniform(300).map((score) => score * 0.8);
    const plan = { calibration, alpha: 0.05, groupSize: 7, seed: 's', resamples: 999 };
    expect(measurePower({ ...plan, controls: controls.slice().reverse() })).toEqual(
      measurePower({ ...plan, controls }),
    );
  });

  it('groups controls by their clusters where those are given', () => {
    const cluster = Int32Array.from({ length: 999 }, (_, i) => Math.floor(i / 3));
    const { perRequest } = measurePower({
      calibration,
      controls: new Float64Array(30),
      alpha: 0.01,
      groupSize: 2,
      seed: 1,
      clusters: {
        calibration: cluster,
        controls: Int32Array.from({ length: 30 }, (_, i) => Math.floor(i / 5)),
      },
    });
    // Six clusters of five hold two pairs each; 333 calibration clusters can reach 0.01.
    expect(perRequest).toMatchObject({ rate: 1, trials: 12 });
  });

  it('takes smaller groups where the clusters of controls are smaller, and one of each cluster for single samples', () => {
    const inThrees = (count: number) => Int32Array.from({ length: count }, (_, i) => Math.floor(i / 3));
    const plan = {
      // One cluster of a hundred behaves as the controls do.
      calibration: Float64Array.from({ length: 300 }, (_, i) => (i < 3 ? 0 : 0.9)),
      controls: new Float64Array(30),
      alpha: 0.015,
      groupSize: 10,
      seed: 1,
    };
    const whole = measurePower({
      ...plan,
      clusters: { calibration: inThrees(300), controls: inThrees(30) },
    });
    // p = 2/101 in both, whatever the cluster holds; taken singly, three of 300 would give 4/301.
    expect(whole.perRequest).toMatchObject({ trials: 10, groupSize: 3, rate: 0 });
    expect(whole.perSample.rate).toBe(0);
    expect(measurePower(plan).perSample.rate).toBe(1);
  });

  it('can be that of the merged test', () => {
    const plan = { calibration, controls: new Float64Array(100), alpha: 0.01, groupSize: 10, seed: 1 };
    expect(measurePower({ ...plan, merged: true }).perRequest).toMatchObject({ rate: 1, trials: 10 });
    // Twice the least p-value of 199 calibration samples, and of no fewer, is 0.01.
    const few = (size: number) =>
      measurePower({ ...plan, calibration: calibration.subarray(0, size), merged: true }).perRequest.rate;
    expect([few(199), few(198)]).toEqual([1, 0]);
  });

  it('is that of alike samples where the merged test finds those less often', () => {
    const plan = { calibration, alpha: 0.01, groupSize: 10, seed: 1, merged: true };
    // 70 of 100 controls are found. Groups of strangers nearly always have five of them, groups of ten alike ones in 70 %.
    const controls = Float64Array.from({ length: 100 }, (_, i) => (i < 70 ? 0 : 0.9));
    expect(measurePower({ ...plan, controls }).perRequest).toMatchObject({
      rate: 0.7,
      trials: 100,
      groupSize: 10,
    });
    // Below one half it is the groups of strangers that are found less often.
    const fewer = Float64Array.from({ length: 100 }, (_, i) => (i < 30 ? 0 : 0.9));
    expect(measurePower({ ...plan, controls: fewer }).perRequest.rate).toBeLessThan(0.3);
  });

  it('compares with one of each cluster in the merged test', () => {
    const pairs = (count: number) => Int32Array.from({ length: count }, (_, i) => Math.floor(i / 2));
    const plan = { controls: new Float64Array(40), alpha: 0.01, groupSize: 2, seed: 1, merged: true };
    const clusteredPower = (size: number) =>
      measurePower({
        ...plan,
        calibration: new Float64Array(size).fill(0.9),
        clusters: { calibration: pairs(size), controls: pairs(40) },
      }).perRequest;
    expect(clusteredPower(398)).toMatchObject({ rate: 1, trials: 20 });
    expect(clusteredPower(396)).toMatchObject({ rate: 0, trials: 20 });
  });

  it('refuses a senseless plan', () => {
    const refused: unknown = expect.objectContaining({ code: 'IAM_PARAMETER_OUT_OF_RANGE' });
    const plan = { calibration, controls: uniform(10), alpha: 0.01, groupSize: 1, seed: 1 };
    expect(() => measurePower({ ...plan, alpha: 1 })).toThrow(refused);
    expect(() => measurePower({ ...plan, groupSize: 0 })).toThrow(refused);
  });
});
