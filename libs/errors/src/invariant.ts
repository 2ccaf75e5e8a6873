/** Thrown where only a bug of ours can lead; bad input never gets here (that is a `CodedError`). */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation';
}

/** Throws {@link InvariantViolation} unless `condition` holds; `message` names the broken assumption. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantViolation(message);
}
