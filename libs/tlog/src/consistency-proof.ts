/**
 * Checks that an older tree is a prefix of a newer one (RFC 9162 section 2.1.4.2, the verification of RFC 6962
 * section 2.1.2 proofs): both roots are rebuilt from the same hashes. Proven by test/vectors/rfc6962.spec.ts
 * (98 attacks) and proofs.spec.ts.
 */
import { TlogError } from './errors.js';
import { equalBytes, HASH_BYTES, hashNode } from './hash.js';
import { MAX_TREE_SIZE } from './subtrees.js';

export interface ConsistencyClaim {
  readonly fromSize: bigint;
  readonly fromRoot: Uint8Array;
  readonly toSize: bigint;
  readonly toRoot: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

function broken(message: string): TlogError {
  return new TlogError('TLOG_CONSISTENCY_BROKEN', message);
}

/**
 * Returns only if the first `fromSize` leaves of the newer tree are the older tree. A proof *from* the empty tree
 * says nothing and is refused here; a witness, which has to start somewhere, decides that case itself
 * (checkAddCheckpoint). @throws TLOG_CONSISTENCY_BROKEN
 */
export function checkConsistency({ fromSize, fromRoot, toSize, toRoot, proof }: ConsistencyClaim): void {
  if (fromSize <= 0n || toSize > MAX_TREE_SIZE) throw broken('there is no proof from an empty tree');
  if (fromSize > toSize) throw broken('the older tree is larger than the newer one');
  if (fromSize === toSize) {
    if (proof.length > 0) throw broken('equal sizes take an empty proof');
    if (!equalBytes(fromRoot, toRoot)) throw broken('two roots for one size');
    return;
  }
  checkGrowth(fromSize, fromRoot, toSize, toRoot, proof);
}

function checkGrowth(
  fromSize: bigint,
  fromRoot: Uint8Array,
  toSize: bigint,
  toRoot: Uint8Array,
  proof: readonly Uint8Array[],
): void {
  if ([fromRoot, toRoot, ...proof].some((hash) => hash.length !== HASH_BYTES)) {
    throw broken('every hash must have 32 bytes');
  }
  let node = fromSize - 1n;
  let last = toSize - 1n;
  // Start at the largest perfect subtree that ends the older tree.
  while (node & 1n) {
    node >>= 1n;
    last >>= 1n;
  }
  // node 0: the older tree is itself that subtree, and its root is not repeated in the proof.
  const [start, ...rest] = node === 0n ? [fromRoot, ...proof] : proof;
  if (!start) throw broken('the proof is empty');
  let older = start;
  let newer = start;
  for (const hash of rest) {
    if (last === 0n) throw broken('the proof is too long');
    if (node & 1n || node === last) {
      older = hashNode(hash, older);
      newer = hashNode(hash, newer);
      while (!(node & 1n) && node !== 0n) {
        node >>= 1n;
        last >>= 1n;
      }
    } else {
      newer = hashNode(newer, hash);
    }
    node >>= 1n;
    last >>= 1n;
  }
  if (last !== 0n) throw broken('the proof is too short');
  if (!equalBytes(older, fromRoot)) throw broken('the proof does not hold the older root');
  if (!equalBytes(newer, toRoot)) throw broken('the proof does not lead to the newer root');
}
