/**
 * Roots of perfect subtrees, as tiles are folded into. Nodes of a level are hashed four at once (sha256-lanes.ts): half the time
 * or less from eight hashes on, and nothing for the garbage collector. Proven by perfect-root.spec.ts.
 */
import { invariant } from '@app/errors';
import { HASH_BYTES, hashNode } from './hash.js';
import { BLOCK_BYTES, HashLanes, LANES, paddedBlocks } from './sha256-lanes.js';

/** As many as a tile has. */
const MOST_HASHES = 256;
/** Of fewer most lanes are idle. */
const FEWEST_IN_LANES = 4;
const NODES = MOST_HASHES / 2;
const COUNT_BYTES = 4;
/** RFC 6962: 0x01 before the two hashes of a node. */
const NODE_PREFIX = 0x01;
const CHILDREN_BYTES = 2 * HASH_BYTES;
const NODE_BYTES = 1 + CHILDREN_BYTES;
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
    const { bytes } = lanes;
    const first = at + 1;
    let nodes = hashes.length / CHILDREN_BYTES;
    // Byte by byte: views of the children would be garbage for each node.
    for (let node = 0; node < nodes; node++) {
      const from = node * CHILDREN_BYTES;
      const to = first + node * NODE_STRIDE;
      for (let i = 0; i < CHILDREN_BYTES; i++) bytes[to + i] = hashes[from + i]!;
    }
    for (; nodes >= 1; nodes /= 2) {
      const count = Math.max(nodes, LANES);
      lanes.hash(
        { at, stride: NODE_STRIDE, count, blocks },
        { at: first, step: HASH_BYTES, pair: NODE_STRIDE },
      );
    }
    return bytes.slice(first, first + HASH_BYTES);
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
  const left = hashes.subarray(0, HASH_BYTES);
  return width === 1 ? new Uint8Array(left) : hashNode(left, hashes.subarray(HASH_BYTES));
}
