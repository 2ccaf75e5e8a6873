/**
 * Checks that a leaf is in a tree (RFC 9162 section 2.1.3.2, the verification of RFC 6962 section 2.1.1 proofs).
 * The walk is fixed by index and size alone; a proof with one hash too few or too many cannot pass. Proven by
 * test/vectors/rfc6962.spec.ts (98 attacks) and proofs.spec.ts.
 */
import { TlogError } from './errors.js';
import { equalBytes, HASH_BYTES, hashNode } from './hash.js';
import { MAX_TREE_SIZE } from './subtrees.js';

export interface InclusionClaim {
  readonly leafHash: Uint8Array;
  readonly leafIndex: bigint;
  readonly treeSize: bigint;
  /** 32-byte hashes from the leaf's sibling up to the root's child. */
  readonly proof: readonly Uint8Array[];
  readonly rootHash: Uint8Array;
}

function broken(message: string): TlogError {
  return new TlogError('TLOG_INCLUSION_BROKEN', message);
}

/** Returns only if the leaf is at that index in the tree with that root. @throws TLOG_INCLUSION_BROKEN */
export function checkInclusion({ leafHash, leafIndex, treeSize, proof, rootHash }: InclusionClaim): void {
  if (leafIndex < 0n || leafIndex >= treeSize || treeSize > MAX_TREE_SIZE) {
    throw broken('the leaf index is not in the tree');
  }
  if ([leafHash, rootHash, ...proof].some((hash) => hash.length !== HASH_BYTES)) {
    throw broken('every hash must have 32 bytes');
  }
  let node = leafIndex;
  let last = treeSize - 1n;
  let root = leafHash;
  for (const hash of proof) {
    if (last === 0n) throw broken('the proof is too long for the tree');
    if (node & 1n || node === last) {
      root = hashNode(hash, root);
      // On the ragged right edge: climb over the levels at which this node has no sibling.
      while (!(node & 1n) && node !== 0n) {
        node >>= 1n;
        last >>= 1n;
      }
    } else {
      root = hashNode(root, hash);
    }
    node >>= 1n;
    last >>= 1n;
  }
  if (last !== 0n) throw broken('the proof is too short for the tree');
  if (!equalBytes(root, rootHash)) throw broken('the proof leads to another root');
}
