/**
 * C2SP tlog-proof v1: one text file that shows, offline, that an entry is in a log (file extension
 * `.tlog-proof`). Proven by tlog-proof.spec.ts.
 */
import { fromBase64, toBase64 } from './base64.js';
import { openCheckpoint, parseCheckpoint } from './checkpoint.js';
import { parseDecimal } from './decimal.js';
import { TlogError } from './errors.js';
import { HASH_BYTES, hashLeaf } from './hash.js';
import { checkInclusion } from './inclusion-proof.js';
import { openWitnessedCheckpoint } from './policy.js';
import type { Policy, WitnessedCheckpoint } from './policy.js';
import { parseNote } from './signed-note.js';
import type { NoteVerifier } from './signed-note.js';
import { requireTreeSize } from './subtrees.js';
import { fromUtf8 } from './utf8.js';

const HEADER = 'c2sp.org/tlog-proof@v1';
/** Height of the largest tree; longer proofs exist for no tree. */
const MAX_INCLUSION_HASHES = 63;

export interface TlogProof {
  /** Bytes for the application, at least one. Not authenticated: anyone can change them. */
  readonly extra?: Uint8Array;
  readonly leafIndex: bigint;
  /** Inclusion proof, leaf side first. */
  readonly proof: readonly Uint8Array[];
  /** The signed note, verbatim. */
  readonly checkpoint: string;
}

function malformed(message: string): TlogError {
  return new TlogError('TLOG_PROOF_MALFORMED', message);
}

/** The proof file's text. @throws TLOG_PROOF_MALFORMED, TLOG_OUT_OF_RANGE */
export function formatTlogProof({ extra, leafIndex, proof, checkpoint }: TlogProof): string {
  requireTreeSize(leafIndex);
  if (extra?.length === 0) throw malformed('extra data is left out where there is none');
  if (proof.length > MAX_INCLUSION_HASHES) throw malformed('an inclusion proof has at most 63 hashes');
  if (proof.some((hash) => hash.length !== HASH_BYTES)) throw malformed('a hash has 32 bytes');
  return [
    HEADER,
    ...(extra ? [`extra ${toBase64(extra)}`] : []),
    `index ${leafIndex}`,
    ...proof.map(toBase64),
    '',
    checkpoint,
  ].join('\n');
}

/** Reads a proof file and verifies nothing. @throws TLOG_PROOF_MALFORMED, TLOG_NOTE_MALFORMED, TLOG_CHECKPOINT_MALFORMED */
export function parseTlogProof(file: string | Uint8Array): TlogProof {
  const text = typeof file === 'string' ? file : fromUtf8(file);
  if (text === undefined) throw malformed('the proof is not UTF-8');
  const split = text.indexOf('\n\n');
  if (split < 0) throw malformed('no blank line separates the proof from the checkpoint');
  const lines = text.slice(0, split).split('\n');
  if (lines.shift() !== HEADER) throw malformed(`the first line must be ${HEADER}`);
  const extra = lines[0]?.startsWith('extra ') ? fromBase64(lines.shift()!.slice('extra '.length)) : null;
  if (extra === undefined || extra?.length === 0)
    throw malformed('the extra line must be base64 of some bytes');
  const index = lines.shift() ?? '';
  const leafIndex = index.startsWith('index ') ? parseDecimal(index.slice('index '.length)) : undefined;
  if (leafIndex === undefined) throw malformed('the index line must be: index, a space, the leaf index');
  if (lines.length > MAX_INCLUSION_HASHES) throw malformed('an inclusion proof has at most 63 hashes');
  const proof = lines.map((line) => {
    const hash = fromBase64(line);
    if (hash?.length !== HASH_BYTES) throw malformed('a proof line must be the base64 of 32 bytes');
    return hash;
  });
  const checkpoint = text.slice(split + 2);
  parseCheckpoint(parseNote(checkpoint).text);
  return { ...(extra ? { extra } : {}), leafIndex, proof, checkpoint };
}

/** Whom to believe: the log's key, a policy, or a policy for the witnesses and a key for the log. */
type TlogProofTrust =
  | { readonly verifier: NoteVerifier; readonly policy?: never }
  | { readonly verifier?: NoteVerifier; readonly policy: Policy };

export type TlogProofClaim = TlogProofTrust &
  ({ readonly leaf: Uint8Array } | { readonly leafHash: Uint8Array }) & {
    /** The file, or what {@link parseTlogProof} made of it. */
    readonly proof: string | Uint8Array | TlogProof;
    /** The log that the entry must be in. */
    readonly origin: string;
  };

export interface CheckedTlogProof {
  readonly leafIndex: bigint;
  /** Its `cosignatures` are empty without a policy. */
  readonly checkpoint: WitnessedCheckpoint;
}

/**
 * Returns only if the entry is in the log at the stated index and the checkpoint is signed as trust asks. The
 * result leaves the extra data out on purpose: it is not covered by any signature.
 * @throws any code of parseTlogProof, openCheckpoint and openWitnessedCheckpoint; TLOG_INCLUSION_BROKEN
 */
export function checkTlogProof(claim: TlogProofClaim): CheckedTlogProof {
  const file =
    typeof claim.proof === 'string' || claim.proof instanceof Uint8Array
      ? parseTlogProof(claim.proof)
      : claim.proof;
  const checkpoint = openTrusted(file.checkpoint, claim.origin, claim);
  checkInclusion({
    leafHash: 'leaf' in claim ? hashLeaf(claim.leaf) : claim.leafHash,
    leafIndex: file.leafIndex,
    treeSize: checkpoint.treeSize,
    proof: file.proof,
    rootHash: checkpoint.rootHash,
  });
  return { leafIndex: file.leafIndex, checkpoint };
}

function openTrusted(note: string, origin: string, trust: TlogProofTrust): WitnessedCheckpoint {
  if (trust.policy) return openWitnessedCheckpoint(note, trust.policy, origin, trust.verifier);
  return { ...openCheckpoint(note, trust.verifier, origin), cosignatures: [] };
}
