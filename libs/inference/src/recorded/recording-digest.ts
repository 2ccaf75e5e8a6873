/**
 * The identity of a recording's content, which anyone holding its rows can compute again.
 *
 * digest = SHA-256 over one line `<sample id> TAB <value> LF` for each row, in UTF-8, ordered by sample id code
 * point by code point (PostgreSQL: `order by sample_id collate "C"`); the value is written as ECMAScript's Number::toString
 * does it, the shortest decimal that reads back to the same float64. So the file's format, compression and order of rows
 * do not matter. The id is a version 8 UUID (RFC 9562, section 5.8) of the first 122 bits of SHA-256 over
 * `lacuna recording v1 LF <kind> LF <digest in hex> LF`: equal content has an equal primary key, which is what makes storing
 * it twice harmless, also at the same moment. Proven by recording-digest.spec.ts.
 */
import { createHash } from 'node:crypto';
import type { SignalKind } from './row-reader.js';

const ID_DOMAIN = 'lacuna recording v1';
/** Updates of a few dozen bytes are dominated by the call; larger pieces than this gain nothing more. */
const PIECE_LENGTH = 65_536;

/** Collects rows in canonical order; the order is the caller's duty. */
export class RecordingDigest {
  private readonly hash = createHash('sha256');
  private piece = '';

  add(sampleId: string, value: number): void {
    this.piece += `${sampleId}\t${value}\n`;
    if (this.piece.length > PIECE_LENGTH) this.flush();
  }

  /** The 32 bytes; nothing can be added afterwards. */
  finish(): Uint8Array {
    this.flush();
    return this.hash.digest();
  }

  private flush(): void {
    this.hash.update(this.piece, 'utf8');
    this.piece = '';
  }
}

/** Returns the UUID of the recording with this content. */
export function recordingIdOf(signalKind: SignalKind, digest: Uint8Array): string {
  const name = `${ID_DOMAIN}\n${signalKind}\n${Buffer.from(digest).toString('hex')}\n`;
  const bytes = createHash('sha256').update(name, 'utf8').digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80; // version 8
  bytes[8] = (bytes[8]! & 0x3f) | 0x80; // variant 10
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
