/**
 * Roots of perfect subtrees, as tiles are folded into. Wide levels are hashed four nodes at once (sha256-lanes.ts), which takes
 * less than half as long; of a few nodes it is not worth starting. Proven by perfect-root.spec.ts.
 */
import { invariant } from '@app/errors';
import { HASH_BYTES, hashNodeInto } from './hash.js';
import { BLOCK_BYTES, HashLanes, LANES, paddedBlocks } from './sha256-lanes.js';

/** As many as a tile has. */
const MOST_HASHES = 256;
/** From here on lanes are faster also when it is done once in a while. */
const FEWEST_IN_LANES = 32;
const NODES = MOST_HASHES / 2;
const COUNT_BYTES = 4;
/** RFC 6962: 0x01 before the two hashes of a node. */
const NODE_PREFIX = 0x01;
const NODE_BYTES = 1 + 2 * HASH_BYTES;
const NODE_STRIDE = paddedBlocks(NODE_BYTES) * BLOCK_BYTES;

/** The nodes of one level as messages; their digests become the messages of the level above, in the same place. */
class NodeLanes {
  private readonly lanes = new HashLanes(NODES * (NODE_STRIDE + COUNT_BYTES));
  private readonly at = this.lanes.allocate(NODES * NODE_STRIDE);
  private readonly blocks = this.lanes.allocate(NODES * COUNT_BYTES);

  constructor() {
    for (let node = 0; node < NODES; node++) {
      this.lanes.pad(this.at + node * NODE_STRIDE, NODE_BYTES, this.blocks + node * COUNT_BYTES);
      this.lanes.bytes[this.at + node * NODE_STRIDE] = NODE_PREFIX;
    }
  }

  root(hashes: Uint8Array): Uint8Array {
    const { lanes, at, blocks } = this;
    const first = at + 1;
    let nodes = hashes.length / HASH_BYTES / 2;
    for (let node = 0; node < nodes; node++) {
      const from = 2 * node * HASH_BYTES;
      lanes.bytes.set(hashes.subarray(from, from + 2 * HASH_BYTES), first + node * NODE_STRIDE);
    }
    for (; nodes >= 1; nodes /= 2) {
      const count = Math.max(nodes, LANES);
      lanes.hash(
        { at, stride: NODE_STRIDE, count, blocks },
        { at: first, step: HASH_BYTES, pair: NODE_STRIDE },
      );
    }
    return lanes.bytes.slice(first, first + HASH_BYTES);
  }
}

let nodeLanes: NodeLanes | null = null;

/**
 * Root over `count` adjacent hashes (32 × count bytes); `count` is a power of two, at most 256.
 * @param hashes left untouched.
 */
export function perfectRoot(hashes: Uint8Array): Uint8Array {
  const width = hashes.length / HASH_BYTES;
  invariant(
    width >= 1 && width <= MOST_HASHES && Number.isInteger(Math.log2(width)),
    'a perfect subtree has a power of two hashes',
  );
  if (width >= FEWEST_IN_LANES) return (nodeLanes ??= new NodeLanes()).root(hashes);
  const level = hashes.slice();
  for (let nodes = width / 2; nodes >= 1; nodes /= 2) {
    for (let i = 0; i < nodes; i++) hashNodeInto(level, i * HASH_BYTES, level, 2 * i * HASH_BYTES);
  }
  return level.slice(0, HASH_BYTES);
}
