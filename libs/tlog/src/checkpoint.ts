/**
 * C2SP checkpoints (tlog-checkpoint v1.0.0): the signed head of a log, three lines in a note. Proven by
 * checkpoint.spec.ts with the specification's example.
 */
import { fromBase64, toBase64 } from './base64.js';
import { parseDecimal } from './decimal.js';
import { TlogError } from './errors.js';
import { HASH_BYTES } from './hash.js';
import { openNote, signNote } from './signed-note.js';
import type { NoteSigner, NoteVerifier, OpenedNote } from './signed-note.js';
import { requireTreeSize } from './subtrees.js';

export interface Checkpoint {
  /** Identity of the log; one non-empty line. */
  readonly origin: string;
  readonly treeSize: bigint;
  /** 32 bytes. */
  readonly rootHash: Uint8Array;
  /** Further lines, each non-empty. Read for other logs; Lacuna writes none, as the specification advises. */
  readonly extensions?: readonly string[];
}

function malformed(message: string): TlogError {
  return new TlogError('TLOG_CHECKPOINT_MALFORMED', message);
}

// eslint-disable-next-line no-control-regex -- the note format forbids exactly these
const FORBIDDEN_IN_LINE = /[\u0000-\u001f\p{Surrogate}]/u;

function requireLine(line: string): void {
  if (line === '' || FORBIDDEN_IN_LINE.test(line)) {
    throw malformed('each line of a checkpoint is non-empty text without control characters');
  }
}

/** The note text of a checkpoint, ending with a newline. @throws TLOG_CHECKPOINT_MALFORMED, TLOG_OUT_OF_RANGE */
export function formatCheckpoint({ origin, treeSize, rootHash, extensions = [] }: Checkpoint): string {
  requireTreeSize(treeSize);
  [origin, ...extensions].forEach(requireLine);
  if (rootHash.length !== HASH_BYTES) throw malformed('a root hash has 32 bytes');
  return [origin, treeSize.toString(), toBase64(rootHash), ...extensions].map((line) => `${line}\n`).join('');
}

/** Reads a checkpoint's note text. @throws TLOG_CHECKPOINT_MALFORMED */
export function parseCheckpoint(text: string): Checkpoint {
  if (!text.endsWith('\n')) throw malformed('a checkpoint ends with a newline');
  const lines = text.slice(0, -1).split('\n');
  lines.forEach(requireLine);
  const [origin = '', size = '', root = '', ...extensions] = lines;
  const treeSize = parseDecimal(size);
  const rootHash = fromBase64(root);
  if (treeSize === undefined) throw malformed('the second line must be the tree size');
  if (rootHash?.length !== HASH_BYTES) throw malformed('the third line must be the root hash');
  return { origin, treeSize, rootHash, ...(extensions.length > 0 ? { extensions } : {}) };
}

/**
 * The signed note of a checkpoint. Signing two checkpoints that are not consistent is the one thing a log must
 * never do; that promise is the caller's, who keeps the last one signed.
 * @throws TLOG_CHECKPOINT_MALFORMED, TLOG_OUT_OF_RANGE, TLOG_NOTE_MALFORMED
 */
export function signCheckpoint(checkpoint: Checkpoint, signers: readonly NoteSigner[]): string {
  return signNote(formatCheckpoint(checkpoint), signers);
}

/** A checkpoint whose log signature was verified, with the note it came in. */
export interface OpenedCheckpoint extends Checkpoint {
  readonly note: OpenedNote;
}

/**
 * The checkpoint in `note`, signed by `verifier` and issued for `origin`.
 * @throws TLOG_NOTE_MALFORMED, TLOG_NOTE_SIGNATURE_INVALID, TLOG_NOTE_UNSIGNED, TLOG_CHECKPOINT_MALFORMED,
 * TLOG_CHECKPOINT_ORIGIN_MISMATCH
 */
export function openCheckpoint(
  note: string | Uint8Array,
  verifier: NoteVerifier,
  origin: string,
): OpenedCheckpoint {
  const opened = openNote(note, [verifier]);
  const checkpoint = parseCheckpoint(opened.text);
  if (checkpoint.origin !== origin) {
    throw new TlogError('TLOG_CHECKPOINT_ORIGIN_MISMATCH', 'the checkpoint is of another log');
  }
  return { ...checkpoint, note: opened };
}
