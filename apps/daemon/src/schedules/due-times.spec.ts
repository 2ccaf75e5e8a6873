import { describe, expect, it } from 'vitest';
import { latestDue, parseCron } from './due-times.js';

const at = (text: string) => new Date(text);
const DAILY = parseCron('0 3 * * *', 'S');

describe('latestDue', () => {
  it.each([
    ['nothing was due', '2026-11-22T03:00:00Z', '2026-11-23T02:59:59Z', null],
    ['exactly due', '2026-11-22T03:00:00Z', '2026-11-23T03:00:00Z', '2026-11-23T03:00:00Z'],
    ['served already', '2026-11-23T03:00:00Z', '2026-11-23T03:00:30Z', null],
    ['three days missed', '2026-11-19T10:00:00Z', '2026-11-23T02:00:00Z', '2026-11-22T03:00:00Z'],
    ['half a year missed', '2026-05-01T10:00:00Z', '2026-11-23T04:00:00Z', '2026-11-23T03:00:00Z'],
    ['a clock that went back', '2026-11-23T03:00:00Z', '2026-11-22T12:00:00Z', null],
  ])('%s', (_what, since, now, due) => {
    expect(latestDue(DAILY, at(since), at(now))?.toISOString() ?? null).toBe(due && at(due).toISOString());
  });

  it('does not count through every second of a long absence', () => {
    const everySecond = parseCron('* * * * * *', 'S');
    const now = at('2026-11-23T03:00:00Z');
    const started = performance.now();
    expect(latestDue(everySecond, at('2016-01-01T00:00:00Z'), now)).toEqual(now);
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it('is in UTC, whatever the machine thinks', () => {
    const due = latestDue(
      parseCron('30 23 * * *', 'S'),
      at('2026-03-28T00:00:00Z'),
      at('2026-03-29T12:00:00Z'),
    );
    expect(due?.toISOString()).toBe('2026-03-28T23:30:00.000Z');
  });
});

it.each(['', 'nonsense', '61 * * * *', '* * *', '* * * * * * * *'])(
  'refuses the expression "%s"',
  (expression) => {
    expect(() => parseCron(expression, 'S')).toThrow(
      expect.objectContaining({ code: 'DAEMON_SCHEDULE_INVALID' }),
    );
  },
);
