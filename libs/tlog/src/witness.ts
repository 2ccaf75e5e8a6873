/**
 * C2SP tlog-witness (v1.0.0): the bodies of `POST add-checkpoint` and its answers, and a witness's decision as a
 * function of its last state. Storing the new state before answering, atomically with the check, is the shell's
 * work. The codes map to HTTP as the specification says:
 *
 * | code | status |
 * | --- | --- |
 * | TLOG_WITNESS_MALFORMED, TLOG_NOTE_MALFORMED, TLOG_CHECKPOINT_MALFORMED | 400 |
 * | TLOG_NOTE_UNSIGNED, TLOG_NOTE_SIGNATURE_INVALID | 403 |
 * | TLOG_WITNESS_LOG_UNKNOWN | 404 |
 * | TLOG_WITNESS_CONFLICT | 409, body {@link formatSizeConflict} |
 * | TLOG_CONSISTENCY_BROKEN, TLOG_WITNESS_FORK | 422 |
 *
 * Proven by witness.spec.ts, one case for each rule.
 */
import { fromBase64, toBase64 } from './base64.js';
import { parseCheckpoint } from './checkpoint.js';
import type { Checkpoint } from './checkpoint.js';
import { checkConsistency } from './consistency-proof.js';
import { cosignatureTime } from './cosignature.js';
import { parseDecimal } from './decimal.js';
import { TlogError } from './errors.js';
import { EMPTY_ROOT, equalBytes, HASH_BYTES } from './hash.js';
import { formatNoteSignature, openNote, parseNote, parseNoteSignatures } from './signed-note.js';
import { verifyNoteSignatures } from './signed-note.js';
import type { NoteSignature, NoteSigner, NoteVerifier } from './signed-note.js';
import { requireTreeSize } from './subtrees.js';
import { fromUtf8 } from './utf8.js';

/** The specification's limit; a consistency proof between trees of up to 2^63 leaves never needs more. */
export const MAX_CONSISTENCY_HASHES = 63;
/** Content type of the answer to a conflict. */
export const SIZE_CONFLICT_CONTENT_TYPE = 'text/x.tlog.size';

export interface AddCheckpointRequest {
  /** Size of the checkpoint that the witness cosigned last; 0 where it never did. */
  readonly oldSize: bigint;
  /** Consistency proof from `oldSize` to the checkpoint's size. */
  readonly proof: readonly Uint8Array[];
  /** The signed note. */
  readonly checkpoint: string;
}

function malformed(message: string): TlogError {
  return new TlogError('TLOG_WITNESS_MALFORMED', message);
}

/** Body of an add-checkpoint request. @throws TLOG_WITNESS_MALFORMED, TLOG_OUT_OF_RANGE */
export function formatAddCheckpointRequest({ oldSize, proof, checkpoint }: AddCheckpointRequest): string {
  requireTreeSize(oldSize);
  if (proof.length > MAX_CONSISTENCY_HASHES) throw malformed('a consistency proof has at most 63 hashes');
  if (proof.some((hash) => hash.length !== HASH_BYTES)) throw malformed('a hash has 32 bytes');
  return `old ${oldSize}\n${proof.map((hash) => `${toBase64(hash)}\n`).join('')}\n${checkpoint}`;
}

/** A request as read, with the checkpoint that its note claims. Nothing is verified. */
export interface ParsedAddCheckpointRequest extends AddCheckpointRequest {
  readonly claimed: Checkpoint;
}

/** Reads an add-checkpoint body. @throws TLOG_WITNESS_MALFORMED, TLOG_NOTE_MALFORMED, TLOG_CHECKPOINT_MALFORMED */
export function parseAddCheckpointRequest(body: string | Uint8Array): ParsedAddCheckpointRequest {
  const text = typeof body === 'string' ? body : fromUtf8(body);
  if (text === undefined) throw malformed('the body is not UTF-8');
  const split = text.indexOf('\n\n');
  if (split < 0) throw malformed('no blank line separates the proof from the checkpoint');
  const [first = '', ...lines] = text.slice(0, split).split('\n');
  const oldSize = first.startsWith('old ') ? parseDecimal(first.slice('old '.length)) : undefined;
  if (oldSize === undefined) throw malformed('the first line must be: old, a space, the old size');
  if (lines.length > MAX_CONSISTENCY_HASHES) throw malformed('a consistency proof has at most 63 hashes');
  const proof = lines.map((line) => {
    const hash = fromBase64(line);
    if (hash?.length !== HASH_BYTES) throw malformed('a proof line must be the base64 of 32 bytes');
    return hash;
  });
  const checkpoint = text.slice(split + 2);
  return { oldSize, proof, checkpoint, claimed: parseCheckpoint(parseNote(checkpoint).text) };
}

/** A checkpoint that a witness may cosign, once it has stored it. */
export interface AcceptedCheckpoint extends Checkpoint {
  /** The note text: what the cosignature is made over. */
  readonly text: string;
}

/** What a witness remembers of a log. */
export interface WitnessedTree {
  readonly treeSize: bigint;
  readonly rootHash: Uint8Array;
}

/**
 * A witness's decision on a request; the order of the checks is the specification's.
 * @param verifiers keys trusted for the origin the request claims; none: the log is unknown.
 * @param latest what was cosigned last for that origin; undefined: nothing yet.
 * @throws the codes of the table above.
 */
export function checkAddCheckpoint(
  request: ParsedAddCheckpointRequest,
  verifiers: readonly NoteVerifier[],
  latest: WitnessedTree | undefined,
): AcceptedCheckpoint {
  if (verifiers.length === 0) throw new TlogError('TLOG_WITNESS_LOG_UNKNOWN', 'no key is known for the log');
  const { text } = openNote(request.checkpoint, verifiers);
  const checkpoint = parseCheckpoint(text);
  if (request.oldSize > checkpoint.treeSize) throw malformed('the old size is above the checkpoint size');
  const latestSize = latest?.treeSize ?? 0n;
  if (request.oldSize !== latestSize) {
    throw new TlogError('TLOG_WITNESS_CONFLICT', 'another size was cosigned last', {
      details: { treeSize: latestSize.toString() },
    });
  }
  checkGrowth(request.proof, checkpoint, latest);
  return { ...checkpoint, text };
}

function checkGrowth(
  proof: readonly Uint8Array[],
  { treeSize, rootHash }: Checkpoint,
  latest: WitnessedTree | undefined,
): void {
  if (treeSize === 0n && !equalBytes(rootHash, EMPTY_ROOT)) {
    throw new TlogError('TLOG_CONSISTENCY_BROKEN', 'the empty tree has one root only');
  }
  if (latest && latest.treeSize === treeSize && !equalBytes(latest.rootHash, rootHash)) {
    throw new TlogError('TLOG_WITNESS_FORK', 'another root was cosigned for this size');
  }
  if (!latest || latest.treeSize === 0n) {
    if (proof.length > 0) throw new TlogError('TLOG_CONSISTENCY_BROKEN', 'from size 0 the proof is empty');
    return;
  }
  checkConsistency({
    fromSize: latest.treeSize,
    fromRoot: latest.rootHash,
    toSize: treeSize,
    toRoot: rootHash,
    proof,
  });
}

/** Body of a 200 answer: one signature line for each cosigner over the checkpoint's note text. */
export function formatAddCheckpointResponse(
  checkpointText: string,
  cosigners: readonly NoteSigner[],
): string {
  const bytes = Buffer.from(checkpointText);
  return cosigners
    .map((cosigner) =>
      formatNoteSignature({ name: cosigner.name, keyId: cosigner.keyId, signature: cosigner.sign(bytes) }),
    )
    .join('');
}

/** A verified cosignature and the time it states. */
export interface Cosignature extends NoteSignature {
  /** POSIX seconds, above 0. */
  readonly time: bigint;
}

/**
 * The cosignatures by known witnesses in a 200 answer; lines by unknown keys are ignored.
 * @param verifiers keys of type 04.
 * @throws TLOG_NOTE_MALFORMED; TLOG_NOTE_SIGNATURE_INVALID; TLOG_NOTE_UNSIGNED when no known key signed;
 * TLOG_COSIGNATURE_MALFORMED for a time of 0.
 */
export function parseAddCheckpointResponse(
  body: string,
  checkpointText: string,
  verifiers: readonly NoteVerifier[],
): Cosignature[] {
  const { verified } = verifyNoteSignatures(checkpointText, parseNoteSignatures(body), verifiers);
  if (verified.length === 0) {
    throw new TlogError('TLOG_NOTE_UNSIGNED', 'the answer has no cosignature by a known key');
  }
  return verified.map((signature) => {
    const time = cosignatureTime(signature.signature);
    if (time === 0n) {
      throw new TlogError('TLOG_COSIGNATURE_MALFORMED', 'a checkpoint cosignature must state its time');
    }
    return { ...signature, time };
  });
}

/** Body of a 409 answer: the size cosigned last. @throws TLOG_OUT_OF_RANGE */
export function formatSizeConflict(treeSize: bigint): string {
  requireTreeSize(treeSize);
  return `${treeSize}\n`;
}

/** Reads the body of a 409 answer. @throws TLOG_WITNESS_MALFORMED */
export function parseSizeConflict(body: string): bigint {
  const treeSize = body.endsWith('\n') ? parseDecimal(body.slice(0, -1)) : undefined;
  if (treeSize === undefined) throw malformed('a conflict answer must be one tree size');
  return treeSize;
}
