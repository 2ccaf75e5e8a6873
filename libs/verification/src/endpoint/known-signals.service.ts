/** Known signals of a release behind an endpoint, drawn at random. Proven by test/medium/endpoint-drift.spec.ts. */
import { SeededRandom } from '@app/iam';
import { LedgerService } from '@app/ledger';
import { Injectable } from '@nestjs/common';
import { BlockFactsRepository } from '../block-facts.repository.js';
import type { SignalBlock } from '../live/signal-block.js';
import { SignalBlockRepository } from '../live/signal-block.repository.js';
import { BLOCK_WIDTH } from '../plan.js';
import { randomOrder } from './random-order.js';

/** A sample and the raw signal that is known of it. */
export interface KnownSignal {
  readonly sampleId: string;
  readonly value: number;
}

export interface KnownSignalsOf {
  /** Under which they are cached. */
  readonly sourceDigest: string;
  readonly modelId: string;
  /** Sample sets that are measured under the release, too. */
  readonly setIds: readonly string[];
}

/** Samples whose signals are cached together. */
interface Subject {
  readonly subjectId: string;
  /** Null where what it was is destroyed. */
  readonly sampleAt: (position: number) => Promise<string | null>;
}

@Injectable()
export class KnownSignals {
  constructor(
    private readonly cache: SignalBlockRepository,
    private readonly facts: BlockFactsRepository,
    private readonly ledger: LedgerService,
  ) {}

  /**
   * Half of them of commitments, which the promise is about, half of the sample sets, or more of either where the other has
   * too few. Samples that are erased or have no signal are left out.
   * @returns `size` of them, or all there are
   */
  async draw(
    { sourceDigest, modelId, setIds }: KnownSignalsOf,
    size: number,
    seed: string,
  ): Promise<KnownSignal[]> {
    const random = new SeededRandom(seed);
    const { logId } = await this.ledger.commitmentLog(modelId);
    const committed: Subject = {
      subjectId: modelId,
      sampleAt: async (position) =>
        (await this.facts.committedSamples(logId, BigInt(position), 1))[0] ?? null,
    };
    const sets = setIds.map((subjectId): Subject => ({
      subjectId,
      sampleAt: async (position) => (await this.facts.setMembers(subjectId, position, 1))[0] ?? null,
    }));
    const commitments = this.inRandomOrder(sourceDigest, [committed], random);
    const others = this.inRandomOrder(sourceDigest, sets, random);
    const drawn = await take(commitments, Math.ceil(size / 2));
    drawn.push(...(await take(others, size - drawn.length)));
    drawn.push(...(await take(commitments, size - drawn.length)));
    return drawn;
  }

  private async *inRandomOrder(
    sourceDigest: string,
    subjects: readonly Subject[],
    random: SeededRandom,
  ): AsyncGenerator<KnownSignal, void> {
    const blocks: { subject: Subject; blockIndex: number; first: number; read?: SignalBlock | undefined }[] =
      [];
    let count = 0;
    for (const subject of subjects) {
      const versions = (await this.cache.versions([sourceDigest], subject.subjectId))[0]!;
      for (const { blockIndex, width } of [...versions.values()].sort(
        (a, b) => a.blockIndex - b.blockIndex,
      )) {
        blocks.push({ subject, blockIndex, first: count });
        count += width;
      }
    }
    for (const place of randomOrder(count, random)) {
      const block = blocks.findLast(({ first }) => first <= place)!;
      const { subject, blockIndex, first } = block;
      block.read ??= await this.cache.best({ sourceDigest, subjectId: subject.subjectId }, blockIndex);
      const value = block.read?.values[place - first] ?? NaN;
      if (Number.isNaN(value)) continue;
      const sampleId = await subject.sampleAt(blockIndex * BLOCK_WIDTH + place - first);
      if (sampleId !== null) yield { sampleId, value };
    }
  }
}

/** At most `count` of what comes next; the rest can still be taken. */
async function take<T>(source: AsyncGenerator<T, void>, count: number): Promise<T[]> {
  const taken: T[] = [];
  while (taken.length < count) {
    const next = await source.next();
    if (next.done) break;
    taken.push(next.value);
  }
  return taken;
}
