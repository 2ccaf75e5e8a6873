import type { z } from 'zod';
import { InferenceError } from '../errors.js';

/**
 * Returns the JSON in `bytes` in the shape of `schema`. Some servers write NaN and Infinity bare, which is no JSON: they
 * become null, as other servers write them. What was found is kept out of the error: it may be a sample.
 * @param what names the answer, for the error, for example `model metadata`
 * @throws InferenceError RUNTIME_RESPONSE_BROKEN
 */
export function parseAnswer<T>(bytes: Uint8Array, schema: z.ZodType<T>, what: string): T {
  const parsed = schema.safeParse(
    parseJson(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), what),
  );
  if (parsed.success) return parsed.data;
  const path = parsed.error.issues[0]?.path.join('.') || 'its top level';
  throw brokenAnswer(`the endpoint's ${what} lacks or misstates ${path}`);
}

export function brokenAnswer(message: string): InferenceError {
  return new InferenceError('RUNTIME_RESPONSE_BROKEN', message);
}

const BARE_NOT_FINITE = /([[,:]\s*)-?(?:NaN|Infinity)(?=\s*[\],}])/g;

function parseJson(bytes: Buffer, what: string): unknown {
  const text = bytes.toString('utf8');
  for (const candidate of [() => text, () => replaceBare(text)]) {
    try {
      return JSON.parse(candidate());
    } catch {
      // The next candidate, or the error below; the parser's own message quotes the answer.
    }
  }
  throw brokenAnswer(`the endpoint's ${what} is no JSON, or cut off`);
}

/** Neighbours share a comma, which the lookahead leaves to the next match. */
const replaceBare = (text: string): string => text.replace(BARE_NOT_FINITE, '$1null');
