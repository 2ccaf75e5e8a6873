/**
 * C2SP signed notes (v1.0.0): text, a blank line, signature lines. Two readings of one note must be impossible, so
 * everything is taken strictly: the split is at the last blank line, base64 has one spelling, and a note in which
 * a *known* key's signature is wrong is refused whole, even if another known key's is right. Proven by
 * signed-note.spec.ts (the specification's own examples and one case for each rule) and fuzz.spec.ts.
 */
import { fromBase64, toBase64 } from './base64.js';
import { TlogError } from './errors.js';
import { isKeyName, requireKeyName } from './signature-type.js';
import { fromUtf8 } from './utf8.js';

/** As golang.org/x/mod/sumdb/note; above it, a note of ours would be unreadable there. */
const MAX_NOTE_TEXT_BYTES = 1_000_000;
/** The specification asks for at least 16; unbounded, a stranger's note would buy any number of verifications. */
const MAX_NOTE_SIGNATURES = 100;

/** A post-quantum signature has below 5 kB; each line is also bounded by the name in it. */
const MAX_NOTE_BYTES = MAX_NOTE_TEXT_BYTES + MAX_NOTE_SIGNATURES * 10_000;
const KEY_ID_BYTES = 4;
const LINE_START = '— ';

/** One signature line: who says they signed, and with what. */
export interface NoteSignature {
  readonly name: string;
  /** Unsigned 32-bit number. */
  readonly keyId: number;
  /** Without the key id. */
  readonly signature: Uint8Array;
}

/** A note as read, nothing verified. */
export interface Note {
  /** Ends with a newline. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

export interface NoteSigner {
  readonly name: string;
  readonly keyId: number;
  /** The bytes after the key id. */
  sign(text: Uint8Array): Uint8Array;
}

export interface NoteVerifier {
  readonly name: string;
  readonly keyId: number;
  verify(text: Uint8Array, signature: Uint8Array): boolean;
}

/** A note of which at least one signature was verified. */
export interface OpenedNote {
  readonly text: string;
  /** By known keys, all verified, in note order; equal lines once. */
  readonly verified: readonly NoteSignature[];
  /** By unknown keys: ignore them. Kept so that a note can be passed on whole. */
  readonly unverified: readonly NoteSignature[];
}

function malformed(message: string): TlogError {
  return new TlogError('TLOG_NOTE_MALFORMED', message);
}

// eslint-disable-next-line no-control-regex -- the format forbids exactly these
const FORBIDDEN_IN_NOTE = /[\u0000-\u0009\u000b-\u001f\p{Surrogate}]/u;

/** @throws TLOG_NOTE_MALFORMED unless `text` can be the text of a note */
function requireNoteText(text: string): void {
  if (Buffer.byteLength(text) > MAX_NOTE_TEXT_BYTES)
    throw malformed('the note text is above 1,000,000 bytes');
  if (!text.endsWith('\n')) throw malformed('the note text must end with a newline');
  if (FORBIDDEN_IN_NOTE.test(text)) throw malformed('the note holds a control character or no valid Unicode');
}

/** One signature line with its newline. @throws TLOG_KEY_MALFORMED, TLOG_NOTE_MALFORMED */
export function formatNoteSignature({ name, keyId, signature }: NoteSignature): string {
  requireKeyName(name);
  if (signature.length === 0) throw malformed('a signature is empty');
  const bytes = new Uint8Array(KEY_ID_BYTES + signature.length);
  new DataView(bytes.buffer).setUint32(0, keyId);
  bytes.set(signature, KEY_ID_BYTES);
  return `${LINE_START}${name} ${toBase64(bytes)}\n`;
}

/** Reads one signature line, given without its newline. @throws TLOG_NOTE_MALFORMED */
function parseNoteSignature(line: string): NoteSignature {
  if (!line.startsWith(LINE_START))
    throw malformed('a signature line must start with an em dash and a space');
  const [name = '', base64 = '', ...rest] = line.slice(LINE_START.length).split(' ');
  const bytes = fromBase64(base64);
  if (rest.length > 0 || !isKeyName(name) || !bytes || bytes.length <= KEY_ID_BYTES) {
    throw malformed('a signature line must be: em dash, key name, base64 of key id and signature');
  }
  return { name, keyId: new DataView(bytes.buffer).getUint32(0), signature: bytes.slice(KEY_ID_BYTES) };
}

/**
 * Reads signature lines as they end a note or make up a witness's answer: at least one, each with its newline.
 * @throws TLOG_NOTE_MALFORMED
 */
export function parseNoteSignatures(lines: string): NoteSignature[] {
  if (!lines.endsWith('\n')) throw malformed('a signature line must end with a newline');
  const list = lines.slice(0, -1).split('\n');
  if (list.length > MAX_NOTE_SIGNATURES) throw malformed('the note has more than 100 signatures');
  return list.map(parseNoteSignature);
}

/** The note of that text and those signatures. @throws TLOG_NOTE_MALFORMED, TLOG_KEY_MALFORMED */
export function formatNote({ text, signatures }: Note): string {
  requireNoteText(text);
  if (signatures.length === 0) throw malformed('a note needs a signature');
  if (signatures.length > MAX_NOTE_SIGNATURES) throw malformed('the note has more than 100 signatures');
  return `${text}\n${signatures.map(formatNoteSignature).join('')}`;
}

/**
 * Reads a note and verifies nothing.
 * @param note bytes as received (which must be UTF-8), or their text.
 * @throws TLOG_NOTE_MALFORMED
 */
export function parseNote(note: string | Uint8Array): Note {
  if (note.length > MAX_NOTE_BYTES) throw malformed('the note is too large');
  const whole = typeof note === 'string' ? note : fromUtf8(note);
  if (whole === undefined) throw malformed('the note is not UTF-8');
  if (FORBIDDEN_IN_NOTE.test(whole))
    throw malformed('the note holds a control character or no valid Unicode');
  const split = whole.lastIndexOf('\n\n');
  if (split < 0) throw malformed('no blank line separates text and signatures');
  const text = whole.slice(0, split + 1);
  requireNoteText(text);
  return { text, signatures: parseNoteSignatures(whole.slice(split + 2)) };
}

/** The note of `text` signed by each signer, in that order. @throws TLOG_NOTE_MALFORMED, TLOG_KEY_MALFORMED */
export function signNote(text: string, signers: readonly NoteSigner[]): string {
  requireNoteText(text);
  const bytes = Buffer.from(text);
  const signatures = signers.map((signer) => ({
    name: signer.name,
    keyId: signer.keyId,
    signature: signer.sign(bytes),
  }));
  return formatNote({ text, signatures });
}

/**
 * The text of a note that at least one of `verifiers` signed.
 * @throws TLOG_NOTE_MALFORMED; TLOG_NOTE_SIGNATURE_INVALID when a known key's signature is wrong;
 * TLOG_NOTE_UNSIGNED when no known key signed.
 */
export function openNote(note: string | Uint8Array, verifiers: readonly NoteVerifier[]): OpenedNote {
  const { text, signatures } = parseNote(note);
  const { verified, unverified } = verifyNoteSignatures(text, signatures, verifiers);
  if (verified.length === 0) {
    throw new TlogError('TLOG_NOTE_UNSIGNED', 'no known key signed the note');
  }
  return { text, verified, unverified };
}

/** Sorts signatures into verified and unknown. @throws TLOG_NOTE_SIGNATURE_INVALID when a known key's is wrong */
export function verifyNoteSignatures(
  text: string,
  signatures: readonly NoteSignature[],
  verifiers: readonly NoteVerifier[],
): { verified: NoteSignature[]; unverified: NoteSignature[] } {
  const bytes = Buffer.from(text);
  const seen = new Set<string>();
  const verified: NoteSignature[] = [];
  const unverified: NoteSignature[] = [];
  for (const signature of signatures) {
    const line = formatNoteSignature(signature);
    if (seen.has(line)) continue;
    seen.add(line);
    const known = verifiers.filter(({ name, keyId }) => name === signature.name && keyId === signature.keyId);
    if (known.length === 0) {
      unverified.push(signature);
    } else if (known.every((verifier) => verifier.verify(bytes, signature.signature))) {
      verified.push(signature);
    } else {
      throw new TlogError('TLOG_NOTE_SIGNATURE_INVALID', 'a signature by a known key does not verify');
    }
  }
  return { verified, unverified };
}

/** The note with further signatures; ones it already has are not repeated. @throws TLOG_NOTE_MALFORMED */
export function addNoteSignatures(note: string | Uint8Array, added: readonly NoteSignature[]): string {
  const { text, signatures } = parseNote(note);
  const lines = new Map([...signatures, ...added].map((line) => [formatNoteSignature(line), line]));
  return formatNote({ text, signatures: [...lines.values()] });
}
