import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bestBlock,
  BLOCK_WIDTH,
  blocksOf,
  planBlocks,
  positionsToScore,
  type StoredBlock,
  UNSCORABLE_SCORE,
} from './plan.js';

const NOW = 'aa';
const BEFORE = 'bb';
const stored = (blockIndex: number, width: number, change: Partial<StoredBlock> = {}): StoredBlock => ({
  blockIndex,
  width,
  inputs: NOW,
  unscorable: 0,
  ...change,
});
const known = () => ({ inputs: NOW, retry: false });
const missing = (size: number, blocks: StoredBlock[]) =>
  planBlocks(size, blocks, known).missing.map(({ blockIndex }) => blockIndex);

describe('blocksOf', () => {
  it('cuts any size into full blocks and one partial block', () => {
    expect(blocksOf(0)).toEqual([]);
    expect(blocksOf(1)).toEqual([{ blockIndex: 0, width: 1 }]);
    expect(blocksOf(BLOCK_WIDTH)).toEqual([{ blockIndex: 0, width: BLOCK_WIDTH }]);
    expect(blocksOf(BLOCK_WIDTH + 1).at(-1)).toEqual({ blockIndex: 1, width: 1 });
  });

  it('covers every sample once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 40 * BLOCK_WIDTH }), (size) => {
        const blocks = blocksOf(size);
        expect(blocks.reduce((sum, { width }) => sum + width, 0)).toBe(size);
        expect(blocks.slice(0, -1).every(({ width }) => width === BLOCK_WIDTH)).toBe(true);
      }),
    );
  });
});

describe('planBlocks', () => {
  it('plans everything when nothing is stored, and nothing when everything is', () => {
    expect(missing(2 * BLOCK_WIDTH + 5, [])).toEqual([0, 1, 2]);
    const all = [stored(0, BLOCK_WIDTH), stored(1, BLOCK_WIDTH), stored(2, 5)];
    expect(missing(2 * BLOCK_WIDTH + 5, all)).toEqual([]);
  });

  it('extends a partial block only when more of it is needed', () => {
    expect(missing(7, [stored(0, 5)])).toEqual([0]);
    expect(missing(5, [stored(0, 7)])).toEqual([]);
    expect(missing(BLOCK_WIDTH + 1, [stored(0, BLOCK_WIDTH)])).toEqual([1]);
  });

  it('repeats a block with unscorable samples exactly when other recordings are known', () => {
    expect(missing(5, [stored(0, 5, { unscorable: 2 })])).toEqual([]);
    expect(missing(5, [stored(0, 5, { unscorable: 2, inputs: BEFORE })])).toEqual([0]);
    expect(missing(5, [stored(0, 5, { unscorable: 0, inputs: BEFORE })])).toEqual([]);
  });

  it('looks again at a block with unscorable samples that may have become scorable', () => {
    const again = (blocks: StoredBlock[]) => planBlocks(5, blocks, () => ({ inputs: NOW, retry: true }));
    expect(again([stored(0, 5, { unscorable: 2 })]).missing).toHaveLength(1);
    expect(again([stored(0, 5)]).missing).toEqual([]);
  });

  it('has nothing left once what was missing is stored', () => {
    const block = fc.record({
      blockIndex: fc.integer({ min: 0, max: 4 }),
      width: fc.integer({ min: 1, max: BLOCK_WIDTH }),
      inputs: fc.constantFrom(NOW, BEFORE),
      unscorable: fc.integer({ min: 0, max: 2 }),
    });
    fc.assert(
      fc.property(fc.array(block), fc.integer({ min: 0, max: 4 * BLOCK_WIDTH }), (before, size) => {
        const plan = planBlocks(size, before, known);
        const done = plan.missing.map(({ blockIndex, width }) => {
          const best = bestBlock(
            before.filter((block) => block.blockIndex === blockIndex),
            NOW,
          );
          return stored(blockIndex, Math.max(width, best?.width ?? 0), { unscorable: 1 });
        });
        expect(planBlocks(size, [...before, ...done], known).missing).toEqual([]);
        expect(plan.total).toBe(blocksOf(size).length);
      }),
    );
  });
});

describe('bestBlock', () => {
  it('prefers width, then what is known now, then fewer gaps', () => {
    const wide = stored(0, 9, { inputs: BEFORE, unscorable: 3 });
    const current = stored(0, 8, { unscorable: 2 });
    const former = stored(0, 8, { inputs: BEFORE, unscorable: 0 });
    expect(bestBlock([current, wide, former], NOW)).toBe(wide);
    expect(bestBlock([former, current], NOW)).toBe(current);
    expect(bestBlock([stored(0, 8, { unscorable: 3 }), current], NOW)).toBe(current);
    expect(bestBlock([], NOW)).toBeUndefined();
  });
});

describe('positionsToScore', () => {
  const scores = Int32Array.of(10, UNSCORABLE_SCORE, 30);

  it('is all of a new block, the new part of a known one, and its gaps when recordings came', () => {
    expect(positionsToScore(3, undefined, NOW)).toEqual([0, 1, 2]);
    expect(positionsToScore(5, { ...stored(0, 3), scores }, NOW)).toEqual([3, 4]);
    expect(positionsToScore(5, { ...stored(0, 3, { inputs: BEFORE }), scores }, NOW)).toEqual([1, 3, 4]);
    expect(positionsToScore(3, { ...stored(0, 3), scores }, NOW)).toEqual([]);
  });
});
