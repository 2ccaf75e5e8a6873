/** When a schedule was due: pure arithmetic over a cron expression in UTC. Proven by due-times.spec.ts. */
import { CronTime } from 'cron';
import { DaemonError } from '../errors.js';

/** The first look back; doubled until a due time lies in it. */
const FIRST_WINDOW_MS = 60_000;

/** Five or six fields. @throws DaemonError `DAEMON_SCHEDULE_INVALID` */
export function parseCron(expression: string, setting: string): CronTime {
  try {
    return new CronTime(expression, 'UTC');
  } catch (cause) {
    throw new DaemonError(
      'DAEMON_SCHEDULE_INVALID',
      `${setting} must be a cron expression of five or six fields, or \`off\``,
      { cause },
    );
  }
}

/**
 * The latest due time after `since` and not after `now`, or null. However long the daemon was down, one run serves
 * everything that was missed, so only the latest counts.
 */
export function latestDue(cron: CronTime, since: Date, now: Date): Date | null {
  for (let windowMs = FIRST_WINDOW_MS; ; windowMs *= 2) {
    const from = Math.max(since.getTime(), now.getTime() - windowMs);
    const due = nextAfter(cron, new Date(from));
    if (due <= now) return lastUpTo(cron, due, now);
    if (from === since.getTime()) return null;
  }
}

/** At most a window's worth of steps: the window before held none. */
function lastUpTo(cron: CronTime, due: Date, now: Date): Date {
  for (let next = nextAfter(cron, due); next <= now; next = nextAfter(cron, due)) due = next;
  return due;
}

/** The first due time after `moment`. */
export function nextAfter(cron: CronTime, moment: Date): Date {
  return cron.getNextDateFrom(moment, 'UTC').toJSDate();
}
