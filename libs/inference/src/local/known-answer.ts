/**
 * What every backend must compute before it is used: y = relu(x A + a) B + b on small whole numbers, which every float format
 * with eight bits or more holds exactly. A driver that loads but computes nonsense fails here, not in a verdict.
 */
export const KNOWN_ANSWER = {
  rows: 2,
  inputs: 3,
  hidden: 4,
  outputs: 2,
  x: [1, -2, 3, 0, 4, -1],
  A: [1, -1, 2, 0, 3, 1, -2, 1, -1, 2, 1, 1],
  a: [0, 1, -1, 2],
  B: [1, -2, 3, 1, -1, 2, 2, -3],
  b: [5, -5],
  y: [15, 6, 37, -43],
} as const;

/** Allowed difference: none of the numbers needs rounding, but a device may use a format with fewer bits. */
const TOLERANCE = 1e-3;

/** Returns null where `answer` is right, or what is wrong with it. */
export function knownAnswerFault(answer: ArrayLike<number>): string | null {
  const wrong = KNOWN_ANSWER.y.findIndex((value, place) => !(Math.abs(answer[place]! - value) <= TOLERANCE));
  if (answer.length === KNOWN_ANSWER.y.length && wrong === -1) return null;
  return 'computes wrong numbers (known-answer check)';
}
