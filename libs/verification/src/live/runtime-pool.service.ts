/**
 * Loaded models of this process: opened when first used, kept while they are used most recently, shared by everything
 * that runs at once. Proven by test/medium/live-isolation.spec.ts.
 */
import { InferenceError, type ModelRuntime } from '@app/inference';
import { CLOCK, type Clock } from '@app/ledger';
import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { SignalSource } from './signal-source.js';

export interface RuntimePoolOptions {
  /** Opens the artifact with this digest (SHA-256, hexadecimal). */
  readonly open: (artifactDigest: string) => Promise<ModelRuntime>;
  /** Models kept loaded; more are open only while more are in use. */
  readonly capacity: number;
}

/** Injection token of {@link RuntimePoolOptions}. */
export const RUNTIME_POOL_OPTIONS = Symbol('RUNTIME_POOL_OPTIONS');

interface Entry {
  readonly runtime: Promise<ModelRuntime>;
  users: number;
  /** Nobody else takes it; whoever uses it last disposes of it. */
  leaving: boolean;
}

/** Every block of a hanging model costs three time limits to find out; longer keeps a mended machine from trying. */
const REMEMBERED_FAILURE_MS = 600_000;

@Injectable()
export class RuntimePool implements OnModuleDestroy {
  /** By source digest, in order of last use: what answers anew behind an endpoint describes itself anew. */
  private readonly entries = new Map<string, Entry>();
  private readonly failures = new Map<string, { readonly code: string; readonly until: number }>();

  constructor(
    @Inject(RUNTIME_POOL_OPTIONS) private readonly options: RuntimePoolOptions,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Runs `work` with the loaded model; it stays loaded as long as that takes. @throws what opening it throws */
  async use<T>(source: SignalSource, work: (runtime: ModelRuntime) => Promise<T>): Promise<T> {
    const entry = this.take(source);
    try {
      return await work(await entry.runtime);
    } catch (error) {
      // What it stands on is gone, such as its files on this machine: to open it anew is to fetch them again.
      if (error instanceof InferenceError && error.code === 'RUNTIME_UNAVAILABLE') this.drop(source, entry);
      throw error;
    } finally {
      entry.users -= 1;
      if (entry.leaving && entry.users === 0) await disposeOf(entry.runtime);
      await this.evict();
    }
  }

  /** The code with which the model failed on everything a moment ago, null where it did not. */
  failureOf({ sourceDigest }: SignalSource): string | null {
    const failure = this.failures.get(sourceDigest);
    return failure && failure.until > this.clock().getTime() ? failure.code : null;
  }

  rememberFailure({ sourceDigest }: SignalSource, code: string): void {
    this.failures.set(sourceDigest, { code, until: this.clock().getTime() + REMEMBERED_FAILURE_MS });
  }

  forgetFailure({ sourceDigest }: SignalSource): void {
    this.failures.delete(sourceDigest);
  }

  async onModuleDestroy(): Promise<void> {
    const open = [...this.entries.values()];
    this.entries.clear();
    await Promise.all(open.map(({ runtime }) => disposeOf(runtime)));
  }

  private take({ artifactDigest, sourceDigest }: SignalSource): Entry {
    const known = this.entries.get(sourceDigest);
    const entry = known ?? { runtime: this.options.open(artifactDigest), users: 0, leaving: false };
    entry.users += 1;
    this.entries.delete(sourceDigest);
    this.entries.set(sourceDigest, entry);
    if (!known) {
      // What could not be opened is not kept: the next use tries again.
      entry.runtime.catch(() => this.drop({ sourceDigest }, entry));
    }
    return entry;
  }

  private drop({ sourceDigest }: Pick<SignalSource, 'sourceDigest'>, entry: Entry): void {
    if (this.entries.get(sourceDigest) === entry) this.entries.delete(sourceDigest);
    entry.leaving = true;
  }

  private async evict(): Promise<void> {
    for (const [digest, entry] of this.entries) {
      if (this.entries.size <= this.options.capacity) return;
      if (entry.users > 0) continue;
      this.entries.delete(digest);
      await disposeOf(entry.runtime);
    }
  }
}

/** A model that never opened has nothing to dispose of; whoever opened it was told why. */
async function disposeOf(opening: Promise<ModelRuntime>): Promise<void> {
  const runtime = await opening.catch(() => null);
  await runtime?.dispose();
}
