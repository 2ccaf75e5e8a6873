/** Long answers as streams: lines joined into chunks, compressed where the client takes that. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** A write for every line would cost more than the line; more than this waits in memory for nothing. */
const CHUNK_CHARACTERS = 64 * 1024;

async function* inChunks(lines: AsyncIterable<string>): AsyncGenerator<string> {
  let chunk = '';
  for await (const line of lines) {
    chunk += line;
    if (chunk.length < CHUNK_CHARACTERS) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}

const takesGzip = (request: FastifyRequest): boolean =>
  /(^|,)\s*gzip\s*(;\s*q=(?!0(\.0*)?\s*(,|$))|,|$)/i.test(String(request.headers['accept-encoding'] ?? ''));

/** Sends `lines` (each with its line end) as they come; one that fails half-way cuts the connection. */
export async function sendLines(
  lines: AsyncIterable<string>,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  void reply.header('vary', 'accept-encoding');
  const text = Readable.from(inChunks(lines), { objectMode: false });
  if (!takesGzip(request)) {
    await reply.send(text);
    return;
  }
  const compressed = createGzip();
  // The failure reaches the reply through `compressed`, which pipeline destroys with it.
  pipeline(text, compressed).catch(() => undefined);
  await reply.header('content-encoding', 'gzip').send(compressed);
}
