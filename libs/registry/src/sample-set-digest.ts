/**
 * Identity of a set of samples: SHA-256 over one line `<sample id> LF` for each (with clusters `<sample id> TAB
 * <cluster id> LF`; no id holds a tab), in UTF-8, ordered by sample id, code point by code point. That is also the order of `sample_set_member.position` (PostgreSQL: `collate "C"`), so an audit hashes the
 * rows by position. Proven by sample-set-digest.spec.ts.
 */
import { createHash } from 'node:crypto';

/** Orders text as its UTF-8 bytes are ordered; JavaScript's own order is by UTF-16 units and differs past U+FFFF. */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const left = a.charCodeAt(at);
    const right = b.charCodeAt(at);
    if (left === right) continue;
    const leftIsPair = isSurrogate(left);
    // A surrogate belongs to a code point above all that are written with a single unit.
    return leftIsPair === isSurrogate(right) ? left - right : leftIsPair ? 1 : -1;
  }
  return a.length - b.length;
}

const isSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff;

export interface SampleSetMember {
  readonly sampleId: string;
  /** Samples with one cluster stick together; null in a set without clusters. */
  readonly clusterId: string | null;
}

/** The digest, lowercase hex, of members that come in code point order of their samples. */
export async function sampleSetDigest(
  ordered: AsyncIterable<SampleSetMember> | Iterable<SampleSetMember>,
): Promise<{ digest: string; size: number }> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const { sampleId, clusterId } of ordered) {
    hash.update(clusterId === null ? `${sampleId}\n` : `${sampleId}\t${clusterId}\n`, 'utf8');
    size += 1;
  }
  return { digest: hash.digest('hex'), size };
}
