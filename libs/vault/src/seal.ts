/**
 * AES-256-GCM as the vault uses it (NIST SP 800-38D), in two forms. A *box* is sealed under a key that seals several
 * things and carries its random nonce. A *payload* is sealed under a data key that seals nothing else ever, so its nonce
 * is all zero and not stored. Both are bound to their place by associated data: a box or payload that was moved does not
 * open. Proven by segment.spec.ts.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
export const TAG_BYTES = 16;
/** What a box is longer than its content. */
export const BOX_OVERHEAD_BYTES = NONCE_BYTES + TAG_BYTES;
const ZERO_NONCE = new Uint8Array(NONCE_BYTES);

/** Returns nonce, ciphertext and tag. */
export function sealBox(key: Uint8Array, context: string, content: Uint8Array): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce);
  cipher.setAAD(Buffer.from(context, 'utf8'));
  const body = cipher.update(content);
  cipher.final();
  return Buffer.concat([nonce, body, cipher.getAuthTag()]);
}

/** The content of a box, or null where key, context or box is not the one it was sealed with. */
export function openBox(key: Uint8Array, context: string, box: Uint8Array): Uint8Array | null {
  if (box.length < BOX_OVERHEAD_BYTES) return null;
  const decipher = createDecipheriv(CIPHER, key, box.subarray(0, NONCE_BYTES));
  decipher.setAAD(Buffer.from(context, 'utf8'));
  decipher.setAuthTag(box.subarray(-TAG_BYTES));
  const content = decipher.update(box.subarray(NONCE_BYTES, -TAG_BYTES));
  return isAuthentic(decipher) ? content : null;
}

/** Returns ciphertext and tag; `key` must be fresh. */
export function sealPayload(key: Uint8Array, context: Uint8Array, payload: Uint8Array): Uint8Array {
  const cipher = createCipheriv(CIPHER, key, ZERO_NONCE);
  cipher.setAAD(context);
  const body = cipher.update(payload);
  cipher.final();
  return Buffer.concat([body, cipher.getAuthTag()]);
}

/** The payload, or null where anything about it was changed. */
export function openPayload(key: Uint8Array, context: Uint8Array, sealed: Uint8Array): Uint8Array | null {
  const end = sealed.length - TAG_BYTES;
  if (end < 0) return null;
  const decipher = createDecipheriv(CIPHER, key, ZERO_NONCE);
  decipher.setAAD(context);
  decipher.setAuthTag(sealed.subarray(end));
  const payload = decipher.update(sealed.subarray(0, end));
  return isAuthentic(decipher) ? payload : null;
}

/** GCM speaks at the end only; what came before must not be used when it says no. */
function isAuthentic(decipher: { final(): Uint8Array }): boolean {
  try {
    decipher.final();
    return true;
  } catch {
    return false; // the error says nothing more than this
  }
}
