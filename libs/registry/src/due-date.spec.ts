import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dueDate } from './due-date.js';

const due = (regime: string, received: string) => dueDate(regime, new Date(received)).toISOString();

describe('dueDate', () => {
  it.each([
    ['2026-01-15T10:30:00.000Z', '2026-02-15T10:30:00.000Z'],
    ['2026-01-31T00:00:00.000Z', '2026-02-28T00:00:00.000Z'],
    ['2028-01-30T00:00:00.000Z', '2028-02-29T00:00:00.000Z'],
    ['2026-03-31T23:59:59.999Z', '2026-04-30T23:59:59.999Z'],
    ['2026-12-31T00:00:00.000Z', '2027-01-31T00:00:00.000Z'],
    ['2026-02-28T00:00:00.000Z', '2026-03-28T00:00:00.000Z'],
  ])('GDPR: %s is due by %s', (received, expected) => {
    expect(due('GDPR', received)).toBe(expected);
    expect(due('gdpr', received)).toBe(expected);
  });

  it('CCPA: 45 days; others: 30 days', () => {
    expect(due('CCPA', '2026-01-01T00:00:00Z')).toBe('2026-02-15T00:00:00.000Z');
    expect(due('LGPD', '2026-01-01T00:00:00Z')).toBe('2026-01-31T00:00:00.000Z');
  });

  it('GDPR: a month has 28 to 31 days, and keeps the time of day', () => {
    const dates = fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(dates, (received) => {
        const days = (dueDate('GDPR', received).getTime() - received.getTime()) / 86_400_000;
        expect([28, 29, 30, 31]).toContain(days);
      }),
      { seed: 4 },
    );
  });
});
