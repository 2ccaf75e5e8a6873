/**
 * The entry of every Lacuna log. It holds no content, only a commitment to it: HMAC-SHA256 of the content under a
 * random salt that is stored elsewhere. With salt and content anyone can open it; once the salt is destroyed the
 * commitment is as good as random, while the leaf and all proofs over it stay valid. Proven by salted-leaf.spec.ts.
 */
import { createHmac } from 'node:crypto';
import { fromBase64, toBase64 } from './base64.js';
import { TlogError } from './errors.js';
import { equalBytes, HASH_BYTES } from './hash.js';

/** 256 bits: a shorter salt could be searched for content that is easily guessed. */
export const SALT_BYTES = 32;
const LEAF_VERSION = 1;
/** Type names are ours, never a stranger's text: `commitment`, `model.registered`. */
const LEAF_TYPE = /^[a-z][a-z0-9._-]{0,63}$/;

/** What opens a leaf. */
export interface LeafOpening {
  /** Kind of entry, in the clear: lower-case letters, digits, '.', '_', '-'; at most 64. */
  readonly type: string;
  /** Canonical JSON text (see canonicalJson). Taken as it is: the commitment is over these very characters. */
  readonly content: string;
  /** 32 random bytes, never used for another leaf. */
  readonly salt: Uint8Array;
}

export interface SaltedLeaf {
  readonly type: string;
  readonly version: number;
  /** 32 bytes. */
  readonly commitment: Uint8Array;
}

/**
 * The entry's bytes: canonical JSON of `{commitment, type, version}`, the commitment in base64.
 * @throws TLOG_LEAF_MALFORMED for a bad type or salt length.
 */
export function sealLeaf({ type, content, salt }: LeafOpening): Uint8Array {
  requireLeafType(type);
  if (salt.length !== SALT_BYTES) throw saltMalformed();
  return Buffer.from(leafText(type, createHmac('sha256', salt).update(content, 'utf8').digest()));
}

/** Equal to canonicalJson of the object (keys in order, no character that needs escaping), without its cost. */
export function leafText(type: string, commitment: Uint8Array): string {
  return `{"commitment":"${toBase64(commitment)}","type":"${type}","version":${LEAF_VERSION}}`;
}

/** Reads an entry written by {@link sealLeaf}; any other spelling is refused. @throws TLOG_LEAF_MALFORMED */
export function parseSaltedLeaf(leaf: Uint8Array): SaltedLeaf {
  const text = Buffer.from(leaf).toString('utf8');
  const [, base64 = '', type = ''] = LEAF_TEXT.exec(text) ?? [];
  const commitment = fromBase64(base64);
  if (commitment?.length !== HASH_BYTES || !LEAF_TYPE.test(type))
    throw malformed('the entry is no salted leaf');
  return { type, version: LEAF_VERSION, commitment };
}

const LEAF_TEXT = /^\{"commitment":"([A-Za-z0-9+/=]{44})","type":"([^"]{1,64})","version":1\}$/;

/**
 * Returns only if type, content and salt are the ones the leaf was made of.
 * @throws TLOG_LEAF_MALFORMED, TLOG_LEAF_OPENING_BROKEN
 */
export function checkLeafOpening(leaf: Uint8Array, opening: LeafOpening): void {
  parseSaltedLeaf(leaf);
  if (!equalBytes(leaf, sealLeaf(opening))) {
    throw new TlogError('TLOG_LEAF_OPENING_BROKEN', 'the leaf was not made of this content and salt');
  }
}

/** @throws TLOG_LEAF_MALFORMED */
export function requireLeafType(type: string): void {
  if (!LEAF_TYPE.test(type)) throw malformed('the leaf type is not a short lower-case name');
}

export function saltMalformed(): TlogError {
  return malformed('a salt has 32 bytes');
}

function malformed(message: string): TlogError {
  return new TlogError('TLOG_LEAF_MALFORMED', message);
}
