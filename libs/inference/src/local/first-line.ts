const CHARACTERS = 200;

/** First line of an error's message, cut to a length that fits a table. */
export function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n')[0]!.slice(0, CHARACTERS);
}
