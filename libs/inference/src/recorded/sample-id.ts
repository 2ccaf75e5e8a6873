/**
 * The one rule for names of samples, wherever they come from: 1 to 256 UTF-16 units, valid Unicode, no control
 * characters (a tab or line break would make the digest's lines ambiguous), no white space at either end (which a
 * spreadsheet would lose without a word). Compared code point by code point: no case folding, no normalisation.
 * Proven by parse-recording.spec.ts.
 */

/** Longer ids do not fit the ledger's column; real ones are digests, paths or row keys. */
const MAX_SAMPLE_ID_LENGTH = 256;
const CONTROL_OR_BROKEN = /[\p{Cc}\p{Surrogate}\u2028\u2029]/u;

/** Returns whether `value` can name a sample. */
export function isSampleId(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length >= 1 &&
    value.length <= MAX_SAMPLE_ID_LENGTH &&
    value.trim() === value &&
    !CONTROL_OR_BROKEN.test(value)
  );
}
