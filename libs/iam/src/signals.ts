/**
 * Signals: what one model's output on one sample is reduced to (Wang et al., USENIX Security 2025, section 4; Carlini
 * et al. 2022 for the scaled logit; Zarifzadeh et al. 2024 for the Taylor soft margin). An unusable input gives NaN,
 * which marks that sample unscorable; nothing here throws because of a value. Same bits on every platform.
 * Proven by signals.spec.ts against the reference's outputs.
 */
import { exp, log } from './elementary.js';
import { shiftedExponentials } from './exponentials.js';
import type { IamParameters } from './parameters.js';

/** Added by the reference inside both logarithms of the scaled logit, so that p = 0 and p = 1 give -103.6 and 103.6. */
const LOGIT_FLOOR = 1e-45;

/**
 * Returns the signal of a raw value: {@link boundedGumbel} of the probability, or, for a loss, of q = 1 - e^(-loss).
 * Not min-max normalised: the score does not change under an affine map of all signals.
 * @param raw true-class probability in [0, 1], or average token negative log-likelihood in nats, >= 0 and finite
 * @returns a finite number, or NaN where `raw` is outside its range. Probability: larger = more like a member.
 *   Loss: larger = less like a member
 */
export function transformSignal(
  raw: number,
  parameters: Pick<IamParameters, 'signalKind' | 'epsilon1' | 'epsilon2'>,
): number {
  const { signalKind, epsilon1, epsilon2 } = parameters;
  const p = signalKind === 'loss' ? forgettingProbability(raw) : raw;
  return boundedGumbel(p, epsilon1, epsilon2);
}

/**
 * Returns q = 1 - e^(-nll) in [0, 1]: the chance that the average token is not the one expected.
 * @param nll average token negative log-likelihood in nats, >= 0; NaN, negative and infinite give NaN
 */
export function forgettingProbability(nll: number): number {
  return nll >= 0 && nll < Infinity ? 1 - exp(-nll) : NaN;
}

/**
 * Returns r(p) = -ln(epsilon1 - ln(epsilon2 + p)), the bounded Gumbel map; grows with p, finite on [0, 1].
 * @param p probability in [0, 1]; anything else gives NaN
 * @param epsilon1 > ln(1 + epsilon2), see checkParameters; otherwise p near 1 gives NaN
 * @param epsilon2 > 0; otherwise p = 0 gives NaN
 */
export function boundedGumbel(p: number, epsilon1: number, epsilon2: number): number {
  if (!(p >= 0 && p <= 1)) return NaN;
  const signal = -log(epsilon1 - log(epsilon2 + p));
  return Number.isFinite(signal) ? signal : NaN;
}

/** Returns {@link boundedGumbel} mapped to [0, 1] by its own values at p = 0 and p = 1, as the published tables use it. */
export function normalizedGumbel(p: number, epsilon1: number, epsilon2: number): number {
  const lowest = boundedGumbel(0, epsilon1, epsilon2);
  const highest = boundedGumbel(1, epsilon1, epsilon2);
  return (boundedGumbel(p, epsilon1, epsilon2) - lowest) / (highest - lowest);
}

/**
 * Returns the true-class probability, softmax(logits)[label], in [0, 1]; larger = more like a member.
 * @param logits one sample's logits `[classes]`; any that is not finite gives NaN
 * @param label index of the true class; out of range gives NaN
 */
export function trueClassProbability(logits: ArrayLike<number>, label: number): number {
  const { ofLabel, ofOthers } = softmaxSplit(logits, label);
  return ofLabel / (ofLabel + ofOthers);
}

/**
 * Returns ln(p + 1e-45) - ln(1 - p + 1e-45), p = softmax(logits)[label], the probability of the others being summed and
 * not subtracted: in [-103.7, 103.7]; larger = more like a member (Carlini et al. 2022, equation 3).
 * @param logits one sample's logits `[classes]`; any that is not finite gives NaN
 */
export function scaledLogit(logits: ArrayLike<number>, label: number): number {
  const { ofLabel, ofOthers } = softmaxSplit(logits, label);
  const total = ofLabel + ofOthers;
  return log(ofLabel / total + LOGIT_FLOOR) - log(ofOthers / total + LOGIT_FLOOR);
}

/** Returns ln((p + 1e-45) / (1 - p + 1e-45)), for callers that hold no logits; p in [0, 1], else NaN. */
export function scaledLogitOfProbability(p: number): number {
  return p >= 0 && p <= 1 ? log((p + LOGIT_FLOOR) / (1 - p + LOGIT_FLOOR)) : NaN;
}

/**
 * Returns -ln softmax(logits)[label] >= 0 in nats; smaller = more like a member.
 * @param logits one sample's logits `[classes]`; any that is not finite gives NaN
 */
export function crossEntropy(logits: ArrayLike<number>, label: number): number {
  const { ofLabel, ofOthers, highest } = softmaxSplit(logits, label);
  return log(ofLabel + ofOthers) + (highest - logits[label]!);
}

/** Settings of {@link taylorSoftMargin}; the reference uses margin 0.6 and 4 terms, temperature 2 (CIFAR-100: 1). */
export interface TaylorSoftMargin {
  readonly margin: number;
  readonly terms: number;
  readonly temperature: number;
}

/**
 * Returns T(y - m) / (T(y - m) + sum over the other classes of T(x_c)), x = logits / temperature, y = x[label],
 * T(x) = 1 + x + ... + x^(terms-1)/(terms-1)!. Not confined to [0, 1]: T is no exponential far from 0.
 * @param logits one sample's logits `[classes]`; any that is not finite gives NaN
 */
export function taylorSoftMargin(
  logits: ArrayLike<number>,
  label: number,
  settings: TaylorSoftMargin,
): number {
  if (!usable(logits, label)) return NaN;
  const { margin, terms, temperature } = settings;
  let others = 0;
  for (let c = 0; c < logits.length; c++) {
    if (c !== label) others += taylorExponential(logits[c]! / temperature, terms);
  }
  const own = taylorExponential(logits[label]! / temperature - margin, terms);
  const value = own / (others + own);
  return Number.isFinite(value) ? value : NaN;
}

function taylorExponential(x: number, terms: number): number {
  let term = 1;
  let sum = 1;
  for (let n = 1; n < terms; n++) {
    term = (term * x) / n;
    sum += term;
  }
  return sum;
}

/** Exponentials of the logits less their highest, split into the label's and the sum of the others'; NaN if unusable. */
function softmaxSplit(
  logits: ArrayLike<number>,
  label: number,
): { ofLabel: number; ofOthers: number; highest: number } {
  if (!usable(logits, label)) return { ofLabel: NaN, ofOthers: NaN, highest: NaN };
  let highest = -Infinity;
  for (let c = 0; c < logits.length; c++) highest = Math.max(highest, logits[c]!);
  const terms = shiftedExponentials(logits, highest);
  let ofOthers = 0;
  for (let c = 0; c < terms.length; c++) if (c !== label) ofOthers += terms[c]!;
  return { ofLabel: terms[label]!, ofOthers, highest };
}

function usable(logits: ArrayLike<number>, label: number): boolean {
  if (!Number.isInteger(label) || label < 0 || label >= logits.length) return false;
  for (let c = 0; c < logits.length; c++) if (!Number.isFinite(logits[c])) return false;
  return true;
}
