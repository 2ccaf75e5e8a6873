/** What to do when a unique constraint speaks: the database decides races, the services only translate. */
import { RegistryError } from './errors.js';

/** SQLSTATE class 23: unique_violation. */
const UNIQUE_VIOLATION = '23505';
/** Each round at least one contender gets its place, so only that many at the very same moment can fail. */
const MAX_ROUNDS = 100;

/** True when `error` is the database refusing a second row under the constraint or index `constraint`. */
export function violates(error: unknown, constraint: string): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    error.code === UNIQUE_VIOLATION &&
    'constraint_name' in error &&
    error.constraint_name === constraint
  );
}

/**
 * Runs `attempt` again for as long as somebody else takes the next number it was about to use.
 * @param constraint the unique constraint on that number
 * @throws RegistryError REGISTRY_CONTENDED (retryable), and whatever else `attempt` throws
 */
export async function untilPlaced<T>(constraint: string, attempt: () => Promise<T>): Promise<T> {
  for (let round = 0; ; round += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!violates(error, constraint)) throw error;
      if (round === MAX_ROUNDS) {
        throw new RegistryError(
          'REGISTRY_CONTENDED',
          'too many registrations at the same moment; try again',
          {
            cause: error,
            retryable: true,
          },
        );
      }
    }
  }
}
