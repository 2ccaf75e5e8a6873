/**
 * RFC 6962 section 2.1 hashing. The prefix bytes keep a node from ever being read as a leaf: without them an
 * attacker could present two concatenated child hashes as an entry. Proven by hash.spec.ts (the empty tree and
 * the known leaf hashes) and test/vectors/rfc6962.spec.ts.
 */
import { hash } from 'node:crypto';

export const HASH_BYTES = 32;

const LEAF_PREFIX = 0x00;
const NODE_PREFIX = 0x01;

/** One node's input, reused: hashing is synchronous, so no two calls can hold it at once. */
const nodeInput = new Uint8Array(1 + 2 * HASH_BYTES);
nodeInput[0] = NODE_PREFIX;

/** Leaves up to this size share one input buffer; a larger one gets its own for the length of the call. */
const SHARED_LEAF_BYTES = 4096;
const leafInput = new Uint8Array(1 + SHARED_LEAF_BYTES);
leafInput[0] = LEAF_PREFIX;

/**
 * Writes SHA-256(`input`) into `target` at `offset`. The one-shot `hash` with a string result avoids the digest
 * object and the native buffer: 2.5 to 3 million nodes/s here against 0.9 million with `createHash`.
 */
export function sha256Into(target: Uint8Array, offset: number, input: Uint8Array): void {
  const digest = hash('sha256', input, 'binary');
  for (let i = 0; i < HASH_BYTES; i++) target[offset + i] = digest.charCodeAt(i);
}

/** SHA-256 of `data`, 32 bytes. */
export function sha256(data: Uint8Array): Uint8Array {
  const digest = new Uint8Array(HASH_BYTES);
  sha256Into(digest, 0, data);
  return digest;
}

/** Root hash of the tree without leaves: SHA-256 of nothing. Shared: copy before writing to it. */
export const EMPTY_ROOT: Uint8Array = sha256(new Uint8Array(0));

/** Leaf hash of one entry: SHA-256(0x00 || data). */
export function hashLeaf(data: Uint8Array): Uint8Array {
  if (data.length > SHARED_LEAF_BYTES) {
    const input = new Uint8Array(1 + data.length);
    input[0] = LEAF_PREFIX;
    input.set(data, 1);
    return sha256(input);
  }
  leafInput.set(data, 1);
  return sha256(leafInput.subarray(0, 1 + data.length));
}

/** Hash of an inner node: SHA-256(0x01 || left || right). Both children are 32-byte hashes. */
export function hashNode(left: Uint8Array, right: Uint8Array): Uint8Array {
  nodeInput.set(left, 1);
  nodeInput.set(right, 1 + HASH_BYTES);
  return sha256(nodeInput);
}

/**
 * Writes the hash of the node over the two hashes at `source[sourceOffset .. +64)` to `target[targetOffset ..
 * +32)`. For whole levels stored back to back; `target` may be `source`, for the children are read first.
 */
export function hashNodeInto(
  target: Uint8Array,
  targetOffset: number,
  source: Uint8Array,
  sourceOffset: number,
): void {
  nodeInput.set(source.subarray(sourceOffset, sourceOffset + 2 * HASH_BYTES), 1);
  sha256Into(target, targetOffset, nodeInput);
}

/** True when both arrays hold the same bytes. Hashes and roots are public, so no constant time is needed. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
