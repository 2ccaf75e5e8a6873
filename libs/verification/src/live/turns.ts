/** One at a time on each of some things, in the order of asking. Proven by turns.spec.ts. */
export class Turns {
  /** Settles when the last that asked is done; never rejects. */
  private readonly last = new Map<string, Promise<void>>();

  /** @param patienceMs after which a turn is taken all the same, for it only saves time: milliseconds */
  constructor(private readonly patienceMs: number) {}

  /**
   * Runs `work` when everybody who asked earlier for any of `names` is done. Places in all lines are taken at once, so
   * two that ask for the same things never wait for each other. @throws what `work` throws
   */
  async run<T>(names: readonly string[], work: () => Promise<T>): Promise<T> {
    const before = Promise.all(names.map((name) => this.last.get(name) ?? Promise.resolve()));
    const result = this.patiently(before).then(work);
    const done: Promise<void> = result.then(
      () => this.leave(names, done),
      () => this.leave(names, done),
    );
    for (const name of names) this.last.set(name, done);
    return result;
  }

  private async patiently(before: Promise<unknown>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const enough = new Promise<void>((resolve) => (timer = setTimeout(resolve, this.patienceMs)));
    await Promise.race([before, enough]);
    clearTimeout(timer);
  }

  private leave(names: readonly string[], done: Promise<void>): void {
    for (const name of names) if (this.last.get(name) === done) this.last.delete(name);
  }
}
