/**
 * Joins the reads that resolvers of one request ask for in the same turn into one, and answers repeats from memory:
 * a page of 100 releases asks for its models once. One loader per request: nothing outlives it, nothing is stale.
 * Proven by batch-loader.spec.ts.
 */
export class BatchLoader<K extends string, V> {
  private readonly asked = new Map<K, Promise<V | undefined>>();
  private waiting: K[] = [];
  private batch: Promise<ReadonlyMap<K, V>> | undefined;

  /** @param read the values found for a list of distinct keys */
  constructor(private readonly read: (keys: readonly K[]) => Promise<ReadonlyMap<K, V>>) {}

  /** The value of `key`, or undefined where there is none. */
  load(key: K): Promise<V | undefined> {
    const known = this.asked.get(key);
    if (known) return known;
    this.waiting.push(key);
    this.batch ??= this.nextBatch();
    const value = this.batch.then((values) => values.get(key));
    this.asked.set(key, value);
    return value;
  }

  private async nextBatch(): Promise<ReadonlyMap<K, V>> {
    // Resolvers of one list run in one turn; after it everybody who wants to come along has asked.
    await new Promise(setImmediate);
    const keys = this.waiting;
    this.waiting = [];
    this.batch = undefined;
    return this.read(keys);
  }
}
