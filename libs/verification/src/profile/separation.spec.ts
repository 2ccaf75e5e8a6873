import { DEFAULT_PARAMETERS } from '@app/iam';
import { describe, expect, it } from 'vitest';
import { addSeparations, isUnknownToOriginal, separationOf } from './separation.js';

const shares = (calibration: readonly [number, number], controls: readonly [number, number]) => ({
  calibration: { known: calibration[0], samples: calibration[1] },
  controls: { known: controls[0], samples: controls[1] },
});

describe('separationOf', () => {
  const values = (original: number[]) => ({
    original: Float64Array.from(original),
    shadows: [Float64Array.of(1, 1, 1), Float64Array.of(3, 3, 3)],
  });

  it('counts samples of less loss under the original than under the shadows on average', () => {
    const { loss } = DEFAULT_PARAMETERS;
    expect(separationOf(values([0.2, 0.4, 5]), loss)).toEqual({ known: 2, samples: 3 });
    expect(separationOf({ ...values([]), original: null }, loss)).toEqual({ known: 0, samples: 0 });
  });

  it('counts samples of higher probability', () => {
    const shadows = [Float64Array.of(0.3, 0.3, 0.3)];
    const original = Float64Array.of(0.9, 0.3, 0.1);
    expect(separationOf({ original, shadows }, DEFAULT_PARAMETERS.probability)).toEqual({
      known: 1,
      samples: 3,
    });
  });

  it('adds up over batches', () => {
    const sum = addSeparations({ known: 2, samples: 3 }, { known: 1, samples: 4 });
    expect(sum).toEqual({ known: 3, samples: 7 });
  });
});

describe('isUnknownToOriginal', () => {
  it.each([
    ['both sets known alike', shares([98, 100], [79, 80]), false],
    ['both known alike by an original that hardly overfits', shares([660, 1000], [330, 500]), false],
    ['calibration known less well, yet clearly', shares([80, 100], [79, 80]), false],
    ['none of it ever seen', shares([50, 100], [79, 80]), true],
    ['a bare majority, as chance gives it', shares([57, 100], [50, 80]), true],
    ['a third of it seen', shares([660, 1000], [500, 500]), true],
    ['nothing there', shares([0, 0], [0, 0]), true],
  ])('%s', (_what, separations, unknown) => {
    expect(isUnknownToOriginal(separations)).toBe(unknown);
  });
});
