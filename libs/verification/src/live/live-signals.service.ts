/**
 * Fills the cache of signals: of one block of samples, whatever live models lack, and nothing else. Payloads are read
 * and decrypted once for all of them, in batches, while earlier batches are in the models. Blocks that are computed at once take
 * turns at a model: side by side they would end together, and it would have nothing to do while both read what is next.
 * A sample that breaks a model has a reason instead of a signal; what may pass by itself is thrown, for the queue to try again.
 * Proven by test/medium/live-verification.spec.ts.
 */
import { CodedError } from '@app/errors';
import { type SignalKind, takeSamples } from '@app/inference';
import { CLOCK, type Clock } from '@app/ledger';
import { commitLazily, DATABASE, type Database, type Tx } from '@app/persistence';
import { Inject, Injectable } from '@nestjs/common';
import { WORKER_NAME } from '../worker-name.js';
import { InFlight } from './in-flight.js';
import { measureBatch } from './measure-batch.js';
import { RuntimePool } from './runtime-pool.service.js';
import { type SamplePart, SampleReader } from './sample-reader.service.js';
import type { SignalBlock } from './signal-block.js';
import { SignalBlockRepository } from './signal-block.repository.js';
import { SignalDraft } from './signal-draft.js';
import type { SignalSource } from './signal-source.js';
import { Turns } from './turns.js';

export interface SignalsWanted {
  readonly modelId: string;
  readonly signalKind: SignalKind;
  /** A model's id for its commitment log, or the id of a sample set. */
  readonly subjectId: string;
  readonly blockIndex: number;
  /** Every sample of the block in order, null where what it was is destroyed. */
  readonly sampleIds: readonly (string | null)[];
  /** Whether samples, and models, that failed before are tried again. */
  readonly retryFailed: boolean;
}

export interface WorkObserver {
  /** In the transaction that writes signals: `passes` samples went through the model, once each. */
  readonly onWritten: (tx: Tx, source: SignalSource, passes: number) => Promise<void>;
  /** Something was done: the job is alive. */
  readonly onProgress: () => void;
}

/** Batches of one block that are in the models at once; an endpoint may work at all of them, more only wait with their bytes. */
const IN_FLIGHT = 6;
/** Where a block keeps a model busy for longer, reading the next one is no loss worth waiting for. */
const PATIENCE_MS = 10_000;

@Injectable()
export class LiveSignalsService {
  private readonly turns = new Turns(PATIENCE_MS);

  constructor(
    private readonly cache: SignalBlockRepository,
    private readonly samples: SampleReader,
    private readonly pool: RuntimePool,
    @Inject(DATABASE) private readonly db: Database,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(WORKER_NAME) private readonly workerName: string,
  ) {}

  /**
   * The cached signals of each source on the block, complete as far as the payloads known now allow.
   * @param sources each named once
   * @throws what may pass by itself: an endpoint or the vault's key is away
   */
  async ensure(
    sources: readonly SignalSource[],
    wanted: SignalsWanted,
    observer: WorkObserver,
  ): Promise<SignalBlock[]> {
    const tasks = await Promise.all(sources.map(async (source) => this.task(source, wanted)));
    const open = tasks.filter(({ draft }) => draft.wanted.length > 0);
    if (open.length > 0) await this.compute(open, wanted, observer);
    for (const task of tasks) await this.write(task, wanted, observer);
    return tasks.map(({ draft }) => draft.block);
  }

  private async task(source: SignalSource, wanted: SignalsWanted): Promise<SourceTask> {
    const { subjectId, blockIndex, sampleIds, retryFailed } = wanted;
    const known = await this.cache.best({ sourceDigest: source.sourceDigest, subjectId }, blockIndex);
    const erased = sampleIds.map((sampleId) => sampleId === null);
    if (retryFailed) this.pool.forgetFailure(source);
    return new SourceTask(source, new SignalDraft(known, { blockIndex, erased, retryFailed }));
  }

  private async compute(
    tasks: readonly SourceTask[],
    { modelId, signalKind, sampleIds }: SignalsWanted,
    { onProgress }: WorkObserver,
  ): Promise<void> {
    const positions = [...new Set(tasks.flatMap(({ draft }) => draft.wanted))].sort((a, b) => a - b);
    const inFlight = new InFlight(IN_FLIGHT);
    const parts = this.samples.parts(modelId, sampleIds, positions);
    const letGo = this.holdModels(tasks);
    try {
      // Read before the turn is taken: samples are there by the time that the models are free.
      let next = await parts.next();
      await this.turns.run(
        tasks.map(({ source }) => source.sourceDigest),
        async () => {
          for (; !next.done; next = await parts.next()) {
            const part = next.value;
            await inFlight.add(async () => {
              await Promise.all(tasks.map((task) => this.measure(task, part, signalKind)));
              onProgress();
            });
          }
        },
      );
      await inFlight.settle();
    } finally {
      letGo();
    }
  }

  /**
   * Has the models opened while samples are read, and kept until they are let go. What goes wrong there is found again, and
   * told, where samples are measured.
   */
  private holdModels(tasks: readonly SourceTask[]): () => void {
    let letGo: () => void = () => undefined;
    const done = new Promise<void>((resolve) => (letGo = resolve));
    for (const { source } of tasks) {
      if (this.pool.failureOf(source) === null) this.pool.use(source, () => done).catch(() => undefined);
    }
    return letGo;
  }

  private async measure(task: SourceTask, part: SamplePart, signalKind: SignalKind): Promise<void> {
    const { draft, source } = task;
    const { positions } = part;
    if (part.batch === null) return draft.refuse(task.wantedOf(positions), part.code);
    const wanted = task.wantedOf(positions);
    if (wanted.length === 0) return;
    const known = this.pool.failureOf(source);
    if (known !== null) return draft.refuse(wanted, known);
    const places = new Map(positions.map((position, i) => [position, i]));
    const batch =
      wanted.length === positions.length
        ? part.batch
        : takeSamples(
            part.batch,
            wanted.map((position) => places.get(position)!),
          );
    try {
      const measured = await this.pool.use(source, (runtime) => {
        task.backend = runtime.backend;
        return measureBatch(runtime, batch, signalKind);
      });
      draft.take(wanted, measured);
      if (measured.broken !== null) this.pool.rememberFailure(source, measured.broken);
    } catch (error) {
      // Thrown by opening the model: no sample is to blame, and none will get a signal from it.
      if (!(error instanceof CodedError) || error.retryable) throw error;
      this.pool.rememberFailure(source, String(error.code));
      draft.refuse(wanted, String(error.code));
    }
  }

  private async write(
    { source, draft, backend }: SourceTask,
    { subjectId }: SignalsWanted,
    observer: WorkObserver,
  ): Promise<void> {
    if (!draft.isNews) return;
    const block = {
      ...draft.block,
      backend,
      computedBy: this.workerName,
      computedAt: this.clock(),
    };
    await this.db.transaction().execute(async (tx) => {
      await commitLazily(tx);
      const written = await this.cache.insert(tx, { sourceDigest: source.sourceDigest, subjectId }, block);
      if (written) await observer.onWritten(tx, source, block.forwardPasses);
    });
    observer.onProgress();
  }
}

/** One source's share of a block. */
class SourceTask {
  /** Until the model is loaded nothing has computed. */
  backend = 'none';
  private readonly wanted: ReadonlySet<number>;

  constructor(
    readonly source: SignalSource,
    readonly draft: SignalDraft,
  ) {
    this.wanted = new Set(draft.wanted);
  }

  wantedOf(positions: readonly number[]): readonly number[] {
    return positions.every((position) => this.wanted.has(position))
      ? positions
      : positions.filter((position) => this.wanted.has(position));
  }
}
