/**
 * COPY FROM STDIN over postgres.js. Its writable stream tells of nothing that PostgreSQL answers after the last byte: a
 * refusal by a constraint or a trigger would leave the caller waiting. The query itself is told twice, once when the stream is
 * open and once when the answer is there, so both are taken from it. Proven by test/medium/copy.spec.ts.
 */
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Bytes in one message: few messages, and the socket's buffer stays small. */
const PIECE_BYTES = 256 * 1024;

/** The part of a postgres.js query that it calls itself. */
interface ToldQuery {
  resolve(value: unknown): void;
  reject(error: unknown): void;
  writable(): unknown;
}

/** Resolves when PostgreSQL has taken all of `bytes`; rejects with its error when it has not. */
export function sendCopy(query: unknown, bytes: Buffer): Promise<void> {
  const told = query as ToldQuery;
  return new Promise((resolve, reject) => {
    let isOpen = false;
    told.reject = reject;
    told.resolve = (value) => {
      if (isOpen) return resolve();
      isOpen = true;
      pipeline(Readable.from(pieces(bytes)), value as Writable).catch(reject);
    };
    // Settled by nobody but the above: it only sends the query.
    void told.writable();
  });
}

function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}
