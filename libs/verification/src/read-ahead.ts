/**
 * What `read` gives for each item, in the order of the items; `ahead` of them are read while one is looked at. The first
 * that fails is thrown where its turn comes. Proven by read-ahead.spec.ts.
 */
export async function* readAhead<Item, Read>(
  items: Iterable<Item>,
  ahead: number,
  read: (item: Item) => Promise<Read>,
): AsyncGenerator<Read> {
  const underWay: Promise<Read>[] = [];
  for (const item of items) {
    const reading = read(item);
    // Told where it is taken; until then, and where nobody comes for it any more, it is not unhandled.
    reading.catch(() => undefined);
    underWay.push(reading);
    if (underWay.length > ahead) yield await underWay.shift()!;
  }
  for (const reading of underWay) yield await reading;
}
