/** Scores of one block as they are stored: little-endian int32 millionths, -1 unscorable, -2 erased. Proven by block.spec.ts. */
import { VerificationError } from './errors.js';
import { ERASED_SCORE } from './plan.js';

const BYTES = 4;
const MILLION = 1_000_000;

export function encodeScores(scores: Int32Array): Uint8Array {
  const bytes = Buffer.alloc(scores.length * BYTES);
  scores.forEach((score, i) => bytes.writeInt32LE(score, i * BYTES));
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** @throws VERIFICATION_RESULTS_CORRUPT for bytes that {@link encodeScores} cannot have written */
export function decodeScores(bytes: Uint8Array): Int32Array {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const scores = Int32Array.from({ length: Math.floor(bytes.length / BYTES) }, (_, i) =>
    view.readInt32LE(i * BYTES),
  );
  if (bytes.length % BYTES === 0 && scores.every((score) => score >= ERASED_SCORE && score <= MILLION)) {
    return scores;
  }
  throw new VerificationError(
    'VERIFICATION_RESULTS_CORRUPT',
    'a stored block holds something else than scores',
  );
}

/** As {@link decodeScores}; null for bytes that hold something else. */
export function decodedScores(bytes: Uint8Array): Int32Array | null {
  try {
    return decodeScores(bytes);
  } catch (error) {
    if (error instanceof VerificationError) return null;
    throw error;
  }
}

/** Scores in [0, 1], NaN where there is none: what decisions are made from, `[width]`. */
export function fractions(scores: Int32Array): Float64Array {
  return Float64Array.from(scores, (score) => (score < 0 ? NaN : score / MILLION));
}
