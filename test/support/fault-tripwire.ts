/**
 * Ends a daemon's or a witness's share of the work at a named step, inside this process: the step before or after which
 * it "dies" throws, and so does everything it tries afterwards. Production code knows nothing of it: what it is given is
 * wrapped.
 */
import type { LedgerRepository, PublicationRepository, SignerState, Witnessing } from '@app/ledger';
import type { Database, Tx } from '@app/persistence';
import type { NoteSigner } from '@app/tlog';
import type { WitnessState } from '@app/witness';

/** What a dead process would have answered: nothing. */
export class InjectedCrash extends Error {}

/** What a call is named. */
type Step = string | ((...facts: readonly unknown[]) => string);

export class Tripwire {
  fired = false;

  /**
   * @param point `before <step>` or `after <step>`
   * @param occurrence how often the point is passed, the last time not alive
   */
  constructor(
    private readonly point: string,
    private occurrence = 1,
  ) {}

  /** @throws InjectedCrash at the point, and everywhere after it */
  private pass(point: string): void {
    if (point === this.point && !this.fired) {
      this.occurrence -= 1;
      this.fired = this.occurrence === 0;
    }
    if (this.fired) throw new InjectedCrash(point);
  }

  private now<T>(step: string, work: () => T): T {
    this.pass(`before ${step}`);
    const result = work();
    this.pass(`after ${step}`);
    return result;
  }

  private async around<T>(step: string, work: () => T | Promise<T>): Promise<T> {
    this.pass(`before ${step}`);
    const result = await work();
    this.pass(`after ${step}`);
    return result;
  }

  /** The same repository, every step of which can be the last; `transaction` is named by `kind`. */
  repository(real: LedgerRepository, kind: 'append' | 'integrate'): LedgerRepository {
    const db = this.database(real.db, kind);
    return this.steps(real, { db });
  }

  publications(real: PublicationRepository): PublicationRepository {
    return this.steps(real, {});
  }

  /** The file that remembers what was signed: written and synced inside of `advance`. */
  state(real: SignerState): SignerState {
    const advance: SignerState['advance'] = (...facts) => this.now('advance', () => real.advance(...facts));
    return replaced(real, { advance });
  }

  /** Asking a witness, over whatever it is reached by. */
  ask(real: Witnessing['ask']): Witnessing['ask'] {
    return (...facts) => this.around('ask', () => real(...facts));
  }

  /** What a witness remembers; `inside write` is between the draft and the file that counts. */
  witnessState(real: WitnessState): WitnessState {
    const read: WitnessState['read'] = (origin) => this.now('read', () => real.read(origin));
    const write: WitnessState['write'] = (...facts) =>
      this.now('write', () => {
        this.pass('inside write');
        real.write(...facts);
      });
    return replaced(real, { read, write });
  }

  /** A witness's key. */
  cosigner(real: NoteSigner): NoteSigner {
    return { ...real, sign: (text) => this.now('cosign', () => real.sign(text)) };
  }

  /** Everything a witness does for one request; after it the answer is made and not sent. */
  answer<T>(work: () => T): T {
    return this.now('answer', work);
  }

  /**
   * Methods of an object that an application's container has handed out already; `steps` names them, by what they are
   * called with where that makes a difference.
   */
  arm<T extends object>(instance: T, steps: Partial<Record<keyof T, Step>>): void {
    for (const [name, step] of Object.entries(steps) as [keyof T, Step][]) {
      const method: unknown = instance[name];
      if (typeof method !== 'function') throw new Error(`${String(name)} is no method`);
      const value = (...facts: unknown[]) =>
        this.around(
          typeof step === 'string' ? step : step(...facts),
          () => Reflect.apply(method, instance, facts) as unknown,
        );
      Object.defineProperty(instance, name, { value });
    }
  }

  /** The same for the transactions a repository begins. */
  armTransactions(repository: { readonly db: Database }, kind: string): void {
    Object.defineProperty(repository, 'db', { value: this.database(repository.db, kind) });
  }

  private database(real: Database, kind: string): Database {
    const transaction = () => ({
      execute: <T>(work: (tx: Tx) => Promise<T>) =>
        this.around(`${kind} transaction`, () => real.transaction().execute(work)),
    });
    return replaced(real, { transaction });
  }

  private steps<T extends object>(real: T, others: object): T {
    return new Proxy(real, {
      get: (target, name) => {
        if (name in others) return Reflect.get(others, name) as unknown;
        const value = Reflect.get(target, name) as unknown;
        if (typeof value !== 'function') return value;
        return (...facts: unknown[]) =>
          this.around(String(name), () => Reflect.apply(value, target, facts) as unknown);
      },
    });
  }
}

/** `real` with some members replaced; its methods keep their own `this`. */
function replaced<T extends object>(real: T, members: object): T {
  return new Proxy(real, {
    get: (target, name) => {
      if (name in members) return Reflect.get(members, name) as unknown;
      const value = Reflect.get(target, name) as unknown;
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
