/** Returns what a server says of itself, fit for results and attestations: printable ASCII, at most 64 characters. */
export function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 64);
}
