/**
 * Publishes signed checkpoints, once enough witnesses of the policy have cosigned them. It fails closed: what the policy
 * does not allow is not served, not proven against and not attested, and {@link Publisher.problems} says why.
 *
 * A round takes one checkpoint of a log, the latest, and stays with it until the quorum is met or everybody who could
 * be asked has answered: witnesses asked about ever newer sizes would never agree on one. A slow witness keeps nobody
 * waiting once the others suffice; its late cosignature is stored all the same. Every step may be repeated: cosignatures
 * and publication are stored once, and daemons that cross each other are sorted out by the witnesses' conflict answers.
 * Proven by test/medium/publisher.spec.ts and test/medium/witness.spec.ts.
 */
import { CodedError } from '@app/errors';
import {
  isQuorumMet,
  type NoteSignature,
  parseNote,
  type Policy,
  type PolicyWitness,
  proveConsistencyFromTiles,
} from '@app/tlog';
import type { Clock } from './clock.js';
import type { CheckpointRow, LedgerRepository, LogRow } from './ledger.repository.js';
import type { PublicationRepository } from './publication.repository.js';

/** Logs in hand at once: more would only queue at the same witnesses, fewer let one slow log hold up many. */
const LOGS_AT_ONCE = 16;
/** First wait after a witness failed; doubled each time. Shorter hammers a witness that is restarting. */
const FIRST_RETRY_MS = 250;
/** Longest wait: what a recovered witness may cost in freshness. */
const LONGEST_RETRY_MS = 30_000;

/** A checkpoint to be cosigned by one witness. */
export interface CosignOrder {
  readonly note: string;
  readonly treeSize: bigint;
  /** What this witness is known to have cosigned last; 0 for nothing. */
  readonly oldSize: bigint;
  proveConsistency(fromSize: bigint): Promise<Uint8Array[]>;
}

export interface Witnessing {
  readonly policy: Policy;
  /** Asks one witness; the cosignature returned is verified again before it counts. */
  readonly ask: (witness: PolicyWitness, order: CosignOrder, signal: AbortSignal) => Promise<NoteSignature>;
}

export interface PublisherOptions {
  readonly repository: LedgerRepository;
  readonly publications: PublicationRepository;
  readonly clock: Clock;
  /** Null: what is signed is published. */
  readonly witnessing: Witnessing | null;
  readonly intervalMs: number;
  /** A witness that did not cosign, or (with an empty name) a round that failed. */
  readonly onError: (origin: string, witness: string, error: unknown) => void;
  /** Milliseconds on any steady clock; for back-off only. */
  readonly now?: () => number;
}

/** Why the latest checkpoint of a log is not published. */
export interface PublicationProblem {
  readonly origin: string;
  readonly treeSize: bigint;
  /** One for each witness that has not cosigned: its name, and the code and message of its last failure. */
  readonly witnesses: readonly { readonly name: string; readonly code: string; readonly message: string }[];
}

/** What one witness has said of one log. */
interface Dealings {
  busy: boolean;
  /** Last size it cosigned, once known. */
  size: bigint | undefined;
  failures: number;
  notBefore: number;
  error: unknown;
}

export class Publisher {
  private readonly dealings = new Map<string, Dealings>();
  private readonly withheld = new Map<string, bigint>();
  private readonly stopping = new AbortController();
  private timer: NodeJS.Timeout | null = null;
  private running: Promise<void> | null = null;
  private again = false;

  constructor(private readonly options: PublisherOptions) {}

  start(): void {
    this.timer = setInterval(() => this.wake(), this.options.intervalMs);
    this.wake();
  }

  /** Looks soon; calls while it works are remembered as one more round. */
  wake(): void {
    this.again = true;
    if (!this.stopping.signal.aborted) this.running ??= this.rounds();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    if (this.timer) clearInterval(this.timer);
    await this.running;
  }

  /** The logs whose latest checkpoint is withheld, as of the last round. */
  problems(): PublicationProblem[] {
    const witnesses = this.options.witnessing?.policy.witnesses ?? [];
    return [...this.withheld].map(([origin, treeSize]) => ({
      origin,
      treeSize,
      witnesses: witnesses.flatMap(({ name }) => {
        const error = this.dealings.get(dealingsKey(origin, name))?.error;
        return error === undefined ? [] : [{ name, ...describe(error) }];
      }),
    }));
  }

  private async rounds(): Promise<void> {
    while (this.again && !this.stopping.signal.aborted) {
      this.again = false;
      await this.publishAll().catch((error: unknown) => this.options.onError('', '', error));
    }
    this.running = null;
  }

  /** One round over all logs whose latest checkpoint is not published. */
  async publishAll(): Promise<void> {
    const { repository, publications } = this.options;
    const waiting = new Set(await publications.logsToPublish());
    const logs = waiting.size > 0 ? (await repository.logs()).filter((log) => waiting.has(log.logId)) : [];
    for (let first = 0; first < logs.length; first += LOGS_AT_ONCE) {
      await Promise.all(logs.slice(first, first + LOGS_AT_ONCE).map((log) => this.publishLog(log)));
    }
    const stillWaiting = new Set(logs.map(({ origin }) => origin));
    for (const origin of this.withheld.keys()) if (!stillWaiting.has(origin)) this.withheld.delete(origin);
  }

  private async publishLog(log: LogRow): Promise<void> {
    try {
      const checkpoint = await this.options.repository.findCheckpoint(log.logId);
      if (!checkpoint || (await this.publishIfMet(log, checkpoint))) return;
      const due = await this.witnessesToAsk(log, checkpoint);
      const met = await firstTrue(due.map((witness) => this.ask(log, checkpoint, witness)));
      if (!met) this.withheld.set(log.origin, checkpoint.treeSize);
    } catch (error) {
      this.options.onError(log.origin, '', error);
    }
  }

  /** True once the checkpoint is published. The stored cosignatures are verified anew, by the policy's own keys. */
  private async publishIfMet(log: LogRow, checkpoint: CheckpointRow): Promise<boolean> {
    const { publications, witnessing, clock } = this.options;
    const { treeSize } = checkpoint;
    if (witnessing) {
      const cosigned = await this.cosignedBy(log, checkpoint, witnessing.policy);
      if (!isQuorumMet(witnessing.policy, cosigned)) return false;
    }
    await publications.publish(publications.db, log.logId, treeSize, clock());
    this.withheld.delete(log.origin);
    return true;
  }

  /** Names of the policy's witnesses with a good stored cosignature of the checkpoint. */
  private async cosignedBy(log: LogRow, checkpoint: CheckpointRow, policy: Policy): Promise<Set<string>> {
    const lines = await this.options.publications.cosignatureLines(log.logId, checkpoint.treeSize);
    const { text, signatures } = parseNote(checkpoint.note + lines.join(''));
    const bytes = Buffer.from(text);
    const good = policy.witnesses.filter(({ key }) =>
      signatures.some(
        ({ name, keyId, signature }) =>
          name === key.name && keyId === key.keyId && key.verify(bytes, signature),
      ),
    );
    return new Set(good.map(({ name }) => name));
  }

  private async witnessesToAsk(log: LogRow, checkpoint: CheckpointRow): Promise<PolicyWitness[]> {
    const { witnessing, now = () => performance.now() } = this.options;
    if (!witnessing) return [];
    const cosigned = await this.cosignedBy(log, checkpoint, witnessing.policy);
    return witnessing.policy.witnesses.filter(({ name, url }) => {
      const { busy, notBefore } = this.dealingsWith(log, name);
      return url !== undefined && !cosigned.has(name) && !busy && notBefore <= now();
    });
  }

  /** Asks one witness and stores what it gives; true when that completed the quorum. Never rejects. */
  private async ask(log: LogRow, checkpoint: CheckpointRow, witness: PolicyWitness): Promise<boolean> {
    const { repository, publications, clock, onError, now = () => performance.now() } = this.options;
    const dealings = this.dealingsWith(log, witness.name);
    dealings.busy = true;
    try {
      const { note, treeSize } = checkpoint;
      const tiles = {
        readTiles: (places: Parameters<typeof repository.readTiles>[2]) =>
          repository.readTiles(repository.db, log.logId, places),
      };
      const order: CosignOrder = {
        note,
        treeSize,
        oldSize: dealings.size ?? (await publications.largestCosigned(log.logId, witness.key)),
        proveConsistency: (fromSize) => proveConsistencyFromTiles(tiles, fromSize, treeSize),
      };
      const cosignature = await this.options.witnessing!.ask(witness, order, this.stopping.signal);
      await publications.addCosignature(log.logId, treeSize, cosignature, clock());
      Object.assign(dealings, { size: treeSize, failures: 0, notBefore: 0, error: undefined });
      return await this.publishIfMet(log, checkpoint);
    } catch (error) {
      const wait = Math.min(FIRST_RETRY_MS * 2 ** dealings.failures, LONGEST_RETRY_MS);
      // What it had cosigned is asked of the witness again: our memory may be what is wrong.
      Object.assign(dealings, {
        size: undefined,
        failures: dealings.failures + 1,
        notBefore: now() + wait,
        error,
      });
      if (!this.stopping.signal.aborted) onError(log.origin, witness.name, error);
      return false;
    } finally {
      dealings.busy = false;
    }
  }

  private dealingsWith({ origin }: LogRow, witness: string): Dealings {
    const key = dealingsKey(origin, witness);
    const known = this.dealings.get(key);
    if (known) return known;
    const fresh: Dealings = { busy: false, size: undefined, failures: 0, notBefore: 0, error: undefined };
    this.dealings.set(key, fresh);
    return fresh;
  }
}

/** Names of a policy hold no newline. */
const dealingsKey = (origin: string, witness: string): string => `${origin}\n${witness}`;

/** Resolves with true as soon as one of them does, with false when none did. */
async function firstTrue(promises: readonly Promise<boolean>[]): Promise<boolean> {
  return new Promise((resolve) => {
    for (const promise of promises) void promise.then((value) => value && resolve(true));
    void Promise.all(promises).then(() => resolve(false));
  });
}

function describe(error: unknown): { code: string; message: string } {
  if (error instanceof CodedError) return { code: String(error.code), message: error.message };
  return { code: 'INTERNAL', message: 'asking it failed; the log says how' };
}
