/**
 * Random bytes for salts, drawn from the system's generator many at a time: a draw costs several microseconds, whatever its
 * size, which is a fifth of sealing a single leaf. Each byte is handed out once, and wiped where it was kept.
 */
import { randomBytes, randomFillSync } from 'node:crypto';
import { SALT_BYTES } from '@app/tlog';

/** More would lie in memory for longer; fewer save less. */
const KEPT_SALTS = 256;
const kept = Buffer.alloc(KEPT_SALTS * SALT_BYTES);
let used = kept.length;

/** `count` salts of 32 bytes, back to back. */
export function randomSalts(count: number): Buffer {
  const bytes = count * SALT_BYTES;
  if (bytes > kept.length / 2) return randomBytes(bytes);
  if (used + bytes > kept.length) {
    randomFillSync(kept);
    used = 0;
  }
  const salts = Buffer.from(kept.subarray(used, used + bytes));
  kept.fill(0, used, used + bytes);
  used += bytes;
  return salts;
}
