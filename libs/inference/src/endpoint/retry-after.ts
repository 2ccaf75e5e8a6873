/**
 * Returns the pause a `Retry-After` header asks for, in milliseconds, or null where there is none or it cannot be read
 * (RFC 9110, section 10.2.3: whole seconds or an HTTP date). A date in the past gives 0.
 */
export function parseRetryAfter(header: string | undefined, nowMs: number): number | null {
  if (header === undefined) return null;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, date - nowMs);
}
