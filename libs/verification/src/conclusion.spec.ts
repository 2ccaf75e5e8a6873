import { createHash } from 'node:crypto';
import { parseResultLeaf } from '@app/attestation';
import { rootOf, hashLeaf, MemoryTree } from '@app/tlog';
import { describe, expect, it } from 'vitest';
import { type CommittedLeaves, decideCommitments, type LeafBlock, ResultTree } from './conclusion.js';
import { BLOCK_WIDTH } from './plan.js';

const settings = {
  alpha: 0.05,
  q: 0.05,
  powerFloor: 0.5,
  resamples: 199,
  groupTest: 'single-samples',
} as const;
const hashOf = (index: number): Buffer => createHash('sha256').update(String(index)).digest();

/** `size` commitments of requests of five; `score` of each in millionths. */
function commitments(size: number, score: (index: number) => number): CommittedLeaves {
  const requestOrdinal = Int32Array.from({ length: size }, (_, i) => Math.floor(i / 5));
  return {
    requestIds: Array.from({ length: Math.ceil(size / 5) }, (_, i) => `request-${String(i)}`),
    requestOrdinal,
    leafHashes: Buffer.concat(Array.from({ length: size }, (_, i) => hashOf(i))),
    scores: Int32Array.from({ length: size }, (_, i) => score(i)),
  };
}

const nulls = {
  calibration: Int32Array.from({ length: 100 }, (_, i) => 700_000 + i * 1000),
  controls: Int32Array.from({ length: 100 }, (_, i) => 50_000 + i * 1000),
  clusters: null,
};
const SECRET = new Uint8Array(32).fill(9);

const linesOf = ({ lines }: LeafBlock): string[] => lines.split('\n');

const blocksOf = (tree: ResultTree): LeafBlock[] => [...tree.blocks()].filter((block) => block !== null);

function conclude(leaves: CommittedLeaves) {
  const decision = decideCommitments(leaves, nulls, settings, 'seed');
  const tree = new ResultTree(leaves, decision, SECRET);
  const blocks = blocksOf(tree);
  return { decision, tree, blocks, lines: blocks.flatMap(linesOf) };
}

describe('ResultTree', () => {
  it('has exactly one leaf for each commitment, in order and bound to its hash', () => {
    const { lines, decision } = conclude(commitments(12, (i) => (i === 3 ? -1 : 740_000)));
    expect(lines).toHaveLength(12);
    lines.forEach((line, index) => {
      const leaf = parseResultLeaf(line);
      expect(leaf.index).toBe(BigInt(index));
      expect(Buffer.from(leaf.leafHash)).toEqual(hashOf(index));
    });
    expect(parseResultLeaf(lines[3]!)).toMatchObject({ verdict: 'UNSCORABLE', score: null, pResidual: null });
    expect(parseResultLeaf(lines[4]!)).toMatchObject({ score: 740_000 });
    expect(decision.reasons).toContain('UNSCORABLE_SAMPLES');
  });

  it('has the root of all its lines, and the block roots lead to it', () => {
    const size = 2 * BLOCK_WIDTH + 17;
    const { tree, blocks, lines } = conclude(commitments(size, () => 740_000));
    expect(blocks.map((block) => linesOf(block).length)).toEqual([BLOCK_WIDTH, BLOCK_WIDTH, 17]);
    const hashes = lines.map((line) => hashLeaf(Buffer.from(line)));
    expect(tree.summary()).toMatchObject({ treeSize: BigInt(size), rootHash: rootOf(hashes) });
    const roots = tree.blockRoots.map((root) => new Uint8Array(Buffer.from(root, 'base64')));
    const whole = new MemoryTree(hashes);
    for (const index of [0, BLOCK_WIDTH - 1, BLOCK_WIDTH, 2 * BLOCK_WIDTH, size - 1]) {
      const block = Math.floor(index / BLOCK_WIDTH);
      const inner = new MemoryTree(hashes.slice(block * BLOCK_WIDTH, (block + 1) * BLOCK_WIDTH));
      expect([
        ...inner.proveInclusion(BigInt(index % BLOCK_WIDTH)),
        ...new MemoryTree(roots).proveInclusion(BigInt(block)),
      ]).toEqual(whole.proveInclusion(BigInt(index)));
    }
  });

  it('of no commitments is the empty tree', () => {
    const { tree, blocks } = conclude(commitments(0, () => 0));
    expect(blocks).toEqual([]);
    expect(tree.summary()).toMatchObject({ treeSize: 0n, scoreQuantiles: null });
  });

  it('is blinded by its secret', () => {
    const leaves = commitments(5, () => 740_000);
    const decision = decideCommitments(leaves, nulls, settings, 'seed');
    const other = new ResultTree(leaves, decision, new Uint8Array(32).fill(8));
    expect(linesOf(blocksOf(other)[0]!)[0]).not.toBe(conclude(leaves).lines[0]);
  });
});

describe('decideCommitments', () => {
  it('depends on its seed only through it: the same input gives the same decision', () => {
    const leaves = commitments(50, (i) => (i < 5 ? 60_000 : 700_000 + ((i * 37) % 50) * 1000));
    const { decision } = conclude(leaves);
    expect(decideCommitments(leaves, nulls, settings, 'seed')).toEqual(decision);
    expect(decision.requests[0]?.verdict).toBe('RESIDUAL');
    expect(decision.result).toBe('FAILED');
  });
});
