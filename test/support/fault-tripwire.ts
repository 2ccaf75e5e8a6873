/**
 * Ends a daemon's share of the ledger at a named step, inside this process: the step before or after which it "dies"
 * throws, and so does everything it tries afterwards. Production code knows nothing of it: what the sequencer and the
 * integrator are given is wrapped.
 */
import type { LedgerRepository, PublicationRepository, SignerState } from '@app/ledger';
import type { Database, Tx } from '@app/persistence';

/** What a dead process would have answered: nothing. */
export class InjectedCrash extends Error {}

export class Tripwire {
  fired = false;

  /** @param point `before <step>` or `after <step>` */
  constructor(private readonly point: string) {}

  /** @throws InjectedCrash at the point, and everywhere after it */
  private pass(point: string): void {
    if (point === this.point) this.fired = true;
    if (this.fired) throw new InjectedCrash(point);
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
    const advance: SignerState['advance'] = (...facts) => {
      this.pass('before advance');
      real.advance(...facts);
      this.pass('after advance');
    };
    return replaced(real, { advance });
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
