/** When a deletion request must be answered, if the caller names no date. Proven by due-date.spec.ts. */

const DAY_MS = 86_400_000;
/** California: 11 CCR § 7021(b), 45 calendar days from receipt. */
const CCPA_DAYS = 45;
/** No law known to us: the shortest usual period, about the GDPR's month. */
const OTHER_DAYS = 30;

/**
 * Returns the last moment to answer. GDPR: Article 12(3), one month of receipt, which by Regulation (EEC, Euratom)
 * 1182/71, Article 3(2)(c), ends on the same date of the next month, or on its last day where it has no such date.
 * Extensions (GDPR: two months, CCPA: 45 days, both with notice) are the caller's to claim by naming a date.
 * @param receivedAt the time of day is kept, in UTC
 */
export function dueDate(regime: string, receivedAt: Date): Date {
  switch (regime.toUpperCase()) {
    case 'GDPR':
      return oneMonthLater(receivedAt);
    case 'CCPA':
      return new Date(receivedAt.getTime() + CCPA_DAYS * DAY_MS);
    default:
      return new Date(receivedAt.getTime() + OTHER_DAYS * DAY_MS);
  }
}

function oneMonthLater(from: Date): Date {
  const later = new Date(from);
  later.setUTCMonth(from.getUTCMonth() + 1);
  // Past the end of a short month: day 0 of the month it ran into is the last day of the one meant.
  if (later.getUTCDate() !== from.getUTCDate()) later.setUTCDate(0);
  return later;
}
