/**
 * The leaves of a result tree: leaf i binds commitment leaf i's hash to its verdict and score. The tree has
 * exactly as many leaves as the commitment log at the attested size. Proven by result-leaf.spec.ts.
 *
 * A leaf carries a blinding value, because the holder of one proof bundle sees hashes of his neighbours'
 * leaves: a verdict and three small integers could be found by trying them all, a 16-byte value cannot.
 */
import { createCipheriv } from 'node:crypto';
import { HASH_BYTES, hashLeaf, MemoryTree } from '@app/tlog';
import { z } from 'zod';
import type { AttestationErrorCode } from './errors.js';
import { refusal } from './errors.js';
import { readCanonical } from './reading.js';
import { base64, decimal, decodeHash, encodeBytes, hash, MILLION, millionths } from './fields.js';
import type { Verdict } from './statement.js';
import { VERDICTS, verdictSchema } from './statement.js';

/** 128 bits: fewer could be searched, more would only lengthen 10^8 stored leaves. */
export const BLIND_BYTES = 16;

const leafSchema = z.strictObject({
  version: z.literal(1),
  index: decimal,
  leafHash: hash,
  verdict: verdictSchema,
  score: millionths.nullable(),
  pResidual: millionths.nullable(),
  pMember: millionths.nullable(),
  blind: base64(BLIND_BYTES),
});

export interface ResultLeaf {
  /** The leaf index in the commitment log and, the same, in the result tree. */
  readonly index: bigint;
  /** The commitment leaf's RFC 6962 leaf hash, 32 bytes. */
  readonly leafHash: Uint8Array;
  readonly verdict: Verdict;
  /** Completeness score in millionths; 1,000,000 = as if never trained on, 0 = behaves as a member. */
  readonly score: number | null;
  /** Conformal p-value against the calibration set in millionths; small = evidence of a residual. */
  readonly pResidual: number | null;
  /** Conformal p-value against the controls in millionths; small = evidence of no longer being a member. */
  readonly pMember: number | null;
  /** 16 bytes nobody can guess, see {@link resultBlinds}. */
  readonly blind: Uint8Array;
}

/**
 * The blinding values of leaves `first` to `first + count - 1`, 16 bytes each, one after another: the AES-256 permutation
 * of the leaf index under a secret that is random per verification and stays with the ledger (counter mode, so that a
 * block of leaves is one call). The same secret and index give the same leaf again.
 * @param secret 32 random bytes.
 */
export function resultBlinds(secret: Uint8Array, first: bigint, count: number): Uint8Array {
  const counter = Buffer.alloc(BLIND_BYTES);
  counter.writeBigUInt64BE(first, BLIND_BYTES - 8);
  return createCipheriv('aes-256-ctr', secret, counter).update(new Uint8Array(count * BLIND_BYTES));
}

const VERDICT_WORDS: ReadonlySet<string> = new Set(VERDICTS);

const isMillionths = (value: number | null): boolean =>
  value === null || (Number.isInteger(value) && value >= 0 && value <= MILLION);

/** What the schema demands of a leaf, without the cost of the schema: a million leaves are written at once. */
function isWellFormed({ index, leafHash, verdict, score, pResidual, pMember, blind }: ResultLeaf): boolean {
  return (
    index >= 0n &&
    index < 2n ** 63n &&
    leafHash.length === HASH_BYTES &&
    blind.length === BLIND_BYTES &&
    VERDICT_WORDS.has(verdict) &&
    isMillionths(score) &&
    isMillionths(pResidual) &&
    isMillionths(pMember)
  );
}

/** @throws ATTESTATION_RESULTS_MISMATCH where a value is out of range */
export function requireWellFormed(leaf: ResultLeaf): void {
  if (isWellFormed(leaf)) return;
  const where = `index ${leaf.index}`;
  throw refusal('ATTESTATION_RESULTS_MISMATCH', where, 'a value of the result leaf is out of range');
}

/** The leaf's bytes as text: one line of canonical JSON. @throws ATTESTATION_RESULTS_MISMATCH */
export function formatResultLeaf(leaf: ResultLeaf): string {
  const { index, leafHash, verdict, score, pResidual, pMember, blind } = leaf;
  requireWellFormed(leaf);
  return (
    `{"blind":"${encodeBytes(blind)}","index":"${index}","leafHash":"${encodeBytes(leafHash)}",` +
    `"pMember":${pMember},"pResidual":${pResidual},"score":${score},"verdict":"${verdict}","version":1}`
  );
}

/**
 * The leaf in `text`, which must be canonical.
 * @param where named in the refusal, for example `line 17`.
 * @throws `code` (ATTESTATION_RESULTS_MISMATCH unless given) when it is not a result leaf.
 */
export function parseResultLeaf(
  text: string,
  where = 'result leaf',
  code: AttestationErrorCode = 'ATTESTATION_RESULTS_MISMATCH',
): ResultLeaf {
  const { verdict, score, pResidual, pMember, ...fields } = readCanonical(leafSchema, text, {
    code,
    what: where,
    where,
  });
  return {
    index: BigInt(fields.index),
    leafHash: decodeHash(fields.leafHash),
    verdict,
    score,
    pResidual,
    pMember,
    blind: decodeHash(fields.blind),
  };
}

/** The RFC 6962 leaf hash of a result leaf given as its canonical text. */
export function hashResultLeaf(text: string): Uint8Array {
  return hashLeaf(Buffer.from(text, 'utf8'));
}

/** The result tree over `leaves`, which must be in index order from 0; it proves inclusion of each. */
export function resultTree(leaves: readonly ResultLeaf[]): MemoryTree {
  leaves.forEach((leaf, position) => {
    if (leaf.index !== BigInt(position))
      throw refusal(
        'ATTESTATION_RESULTS_INCOMPLETE',
        `index ${position}`,
        `result ${position} is of leaf ${leaf.index}: results must be dense and in order`,
      );
  });
  return new MemoryTree(leaves.map((leaf) => hashResultLeaf(formatResultLeaf(leaf))));
}
