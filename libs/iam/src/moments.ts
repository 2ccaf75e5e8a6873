/**
 * One-pass, mergeable moments of OUT and IN signals. The spread at every level of the interpolation follows from
 * Var(OUT), Var(IN) and Cov(OUT, IN), so memory does not grow with the samples. All sums are exact, so any order,
 * sharding or batching gives the same bytes. Proven by moments.spec.ts.
 */
import { IamError } from './errors.js';
import { ExactSum, ratio } from './exact-sum.js';
import { checkLevels, type SignalKind } from './parameters.js';

/** Signals are of order 10; beyond this, their squares' parts would leave the range of a double. */
const MAX_SIGNAL = 1e100;

/** A smaller signal counts as 0: its square would not be exact, and a spread could come out below 0. */
const MIN_SIGNAL = 2 ** -400;

/** True for a number that can be scored: finite, and small enough that no formula overflows. */
export function isSignal(value: number): boolean {
  return Math.abs(value) <= MAX_SIGNAL;
}

/** Serialised {@link SignalMoments}; every sum is a list of doubles, largest first, whose exact total it is. */
export interface SignalMomentsJson {
  readonly samples: number;
  readonly pairs: number;
  readonly skipped: number;
  readonly out: readonly number[];
  readonly in: readonly number[];
  readonly outOut: readonly number[];
  readonly inIn: readonly number[];
  readonly outIn: readonly number[];
}

export class SignalMoments {
  /** Samples counted. */
  samples = 0;
  /** (shadow, sample) pairs counted: the population over which the deviations are taken. */
  pairs = 0;
  /** Samples left out because one of their signals was unusable (NaN, infinite): they touch no sum. */
  skipped = 0;

  private readonly out = new ExactSum();
  private readonly in = new ExactSum();
  private readonly outOut = new ExactSum();
  private readonly inIn = new ExactSum();
  private readonly outIn = new ExactSum();

  /**
   * Counts one sample, or skips it as a whole where a signal is unusable.
   * @param out OUT signals of the sample, one for each shadow model `[shadows]`
   * @param in_ IN signal of the sample (online), or the one IN signal of all samples (offline)
   */
  add(out: ArrayLike<number>, in_: number): void {
    if (!isSignal(in_) || out.length === 0 || !allSignals(out)) {
      this.skipped += 1;
      return;
    }
    this.samples += 1;
    const inSignal = flushed(in_);
    for (let s = 0; s < out.length; s++) {
      const outSignal = flushed(out[s]!);
      this.pairs += 1;
      this.out.add(outSignal);
      this.in.add(inSignal);
      this.outOut.addProduct(outSignal, outSignal);
      this.inIn.addProduct(inSignal, inSignal);
      this.outIn.addProduct(outSignal, inSignal);
    }
  }

  /** Adds everything `other` counted and returns this. */
  merge(other: SignalMoments): SignalMoments {
    this.samples += other.samples;
    this.pairs += other.pairs;
    this.skipped += other.skipped;
    for (const sum of SUMS) this[sum].merge(other[sum]);
    return this;
  }

  /** Returns an object of finite numbers only; equal moments give equal bytes. */
  toJSON(): SignalMomentsJson {
    const { samples, pairs, skipped } = this;
    return {
      samples,
      pairs,
      skipped,
      out: this.out.toJSON(),
      in: this.in.toJSON(),
      outOut: this.outOut.toJSON(),
      inIn: this.inIn.toJSON(),
      outIn: this.outIn.toJSON(),
    };
  }

  /** @throws IAM_FORMAT_INVALID for anything {@link toJSON} cannot have returned */
  static fromJSON(json: SignalMomentsJson): SignalMoments {
    const counts = [json.samples, json.pairs, json.skipped];
    const usable =
      counts.every((count) => Number.isSafeInteger(count) && count >= 0) &&
      SUMS.every((sum) => Array.isArray(json[sum]) && json[sum].every((part) => Number.isFinite(part)));
    if (!usable) throw new IamError('IAM_FORMAT_INVALID', 'not the moments of signals');
    const moments = new SignalMoments();
    [moments.samples, moments.pairs, moments.skipped] = counts as [number, number, number];
    for (const sum of SUMS) moments[sum].merge(ExactSum.fromJSON(json[sum]));
    return moments;
  }

  /** Returns the mean IN signal, correctly rounded; NaN where nothing was counted. */
  meanIn(): number {
    if (this.pairs === 0) return NaN;
    return ratio(this.in.toScaledInteger(), BigInt(this.pairs) << SCALE_BITS);
  }

  /** True when every counted sample had the same IN signal, as offline measurement wants it. */
  inIsConstant(): boolean {
    return this.spreads().varIn === 0n;
  }

  /**
   * Returns sigma_k, k = 0..K-2 `[levels - 1]`: the population standard deviation, over all shadows and samples, of
   * L_k = START + a_k (END - START), a_k = k/(K-1). sigma_k^2 = (1-a)^2 Var(START) + a^2 Var(END) + 2a(1-a) Cov, which is
   * evaluated in integers and rounded once: exactly 0 where there is no spread, never negative.
   * @param levels K, 2..100,000
   * @param signalKind where the line starts: `probability` at OUT (default), `loss` at IN
   * @throws IAM_PARAMETER_OUT_OF_RANGE for `levels`
   */
  sigmaPerLevel(levels: number, signalKind: SignalKind = 'probability'): Float64Array {
    checkLevels(levels);
    const sigma = new Float64Array(levels - 1);
    if (this.pairs === 0) return sigma;
    const { varOut, varIn, covariance } = this.spreads();
    const [start, end] = signalKind === 'probability' ? [varOut, varIn] : [varIn, varOut];
    const steps = BigInt(levels - 1);
    const denominator = ((steps * BigInt(this.pairs)) ** 2n) << (2n * SCALE_BITS);
    for (let k = 0; k < levels - 1; k++) {
      const a = BigInt(k);
      const b = steps - a;
      sigma[k] = Math.sqrt(ratio(b * b * start + a * a * end + 2n * a * b * covariance, denominator));
    }
    return sigma;
  }

  /** pairs^2 times Var(OUT), Var(IN), Cov(OUT, IN), as exact integers over 2^(2 * 1074). */
  private spreads(): { varOut: bigint; varIn: bigint; covariance: bigint } {
    const n = BigInt(this.pairs);
    const out = this.out.toScaledInteger();
    const in_ = this.in.toScaledInteger();
    const spread = (products: ExactSum, a: bigint, b: bigint) =>
      ((n * products.toScaledInteger()) << SCALE_BITS) - a * b;
    return {
      varOut: spread(this.outOut, out, out),
      varIn: spread(this.inIn, in_, in_),
      covariance: spread(this.outIn, out, in_),
    };
  }
}

const SUMS = ['out', 'in', 'outOut', 'inIn', 'outIn'] as const;

/** Exact sums are integers over 2^1074. */
const SCALE_BITS = 1074n;

function flushed(signal: number): number {
  return Math.abs(signal) < MIN_SIGNAL ? 0 : signal;
}

function allSignals(values: ArrayLike<number>): boolean {
  for (let i = 0; i < values.length; i++) if (!isSignal(values[i]!)) return false;
  return true;
}
