import { setTimeout as delay } from 'node:timers/promises';

/** Waits for something that another process does; fails loudly instead of passing late. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 60_000,
  everyMs = 25,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`still not so after ${timeoutMs} ms: ${condition.toString()}`);
    await delay(everyMs);
  }
}
