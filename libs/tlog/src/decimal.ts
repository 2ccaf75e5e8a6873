/** Strict ASCII decimals, as every C2SP format writes them: no sign, no leading zero, at most 2^63 - 1. */
import { MAX_TREE_SIZE } from './subtrees.js';

const DECIMAL = /^(?:0|[1-9][0-9]{0,18})$/;

/** The value of `text`, or undefined where it is not written exactly so. */
export function parseDecimal(text: string): bigint | undefined {
  if (!DECIMAL.test(text)) return undefined;
  const value = BigInt(text);
  return value <= MAX_TREE_SIZE ? value : undefined;
}
