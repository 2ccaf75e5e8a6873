/** Statements that a connection parses and plans once, for what runs many times a second. */
import { onLane } from './lane-of.js';
import type { Queryable } from './tables/database.js';

/**
 * The rows of `statement`, with its parameters at `$1`, `$2` …; inside whatever transaction `on` is in. The first run on each
 * connection takes one round trip more. Each text is kept by the server until its connection ends: there must be few of them.
 */
export function runPrepared<R>(
  on: Queryable,
  statement: string,
  parameters: readonly unknown[],
): Promise<R[]> {
  return onLane(on, (lane) => lane.executePrepared<R>(statement, parameters));
}
