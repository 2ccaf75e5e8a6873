import { describe, expect, it } from 'vitest';
import { SignalMoments } from './moments.js';
import { DEFAULT_PARAMETERS, type IamParameters } from './parameters.js';
import { formatScale, freezeScale, parseScale } from './scale.js';

const ONLINE = DEFAULT_PARAMETERS.probability;
const OFFLINE: IamParameters = { ...ONLINE, mode: 'offline' };

function moments(list: readonly (readonly [number, number])[]): SignalMoments {
  const sums = new SignalMoments();
  for (const [out, in_] of list) sums.add([out], in_);
  return sums;
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'none';
}

describe('freezeScale', () => {
  it('holds one spread a level and survives JSON to the last bit', () => {
    const scale = freezeScale(
      moments([
        [0.1, 2],
        [0.7, 2.5],
        [-1, 1.1],
      ]),
      ONLINE,
    );
    expect(scale.sigma.length).toBe(99);
    expect(scale).toMatchObject({ signalKind: 'probability', offlineIn: null, samples: 3 });
    const json = JSON.stringify(formatScale(scale));
    expect(parseScale(JSON.parse(json) as ReturnType<typeof formatScale>)).toEqual(scale);
  });

  it('offline: keeps the one IN signal exactly, refuses several', () => {
    expect(
      freezeScale(
        moments([
          [0.1, 1.7],
          [0.7, 1.7],
        ]),
        OFFLINE,
      ).offlineIn,
    ).toBe(1.7);
    expect(
      codeOf(() =>
        freezeScale(
          moments([
            [0.1, 1.7],
            [0.7, 1.8],
          ]),
          OFFLINE,
        ),
      ),
    ).toBe('IAM_OFFLINE_IN_INVALID');
  });

  it('refuses a reference set without spread: none, one sample, all alike', () => {
    for (const list of [
      [],
      [[0.1, 2]],
      [
        [0.1, 2],
        [0.1, 2],
      ],
    ] as [number, number][][]) {
      expect(codeOf(() => freezeScale(moments(list), ONLINE))).toBe('IAM_SCALE_DEGENERATE');
    }
  });

  it('refuses parameters without a signal, and foreign JSON', () => {
    expect(codeOf(() => freezeScale(moments([[1, 2]]), { ...ONLINE, epsilon2: 0 }))).toBe(
      'IAM_PARAMETER_OUT_OF_RANGE',
    );
    expect(codeOf(() => freezeScale(moments([[1, 2]]), { ...ONLINE, levels: 1.5 }))).toBe(
      'IAM_PARAMETER_OUT_OF_RANGE',
    );
    const json = formatScale(
      freezeScale(
        moments([
          [0.1, 2],
          [0.7, 2.5],
        ]),
        ONLINE,
      ),
    );
    for (const wrong of [
      { sigma: [0] },
      { sigma: [] },
      { offlineIn: NaN },
      { samples: 0.5 },
      { signalKind: 'x' as 'loss' },
    ]) {
      expect(codeOf(() => parseScale({ ...json, ...wrong }))).toBe('IAM_FORMAT_INVALID');
    }
  });
});
