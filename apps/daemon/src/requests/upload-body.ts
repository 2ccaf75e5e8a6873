/** The body of an upload as a stream, and what happens to the rest of it after a refusal. */
import type { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DaemonError } from '../errors.js';
import { UPLOAD_TYPES } from '../http/upload-parser.js';

/** After a refusal so much of the rest is still read, so that the client gets to the answer; then the line is cut. */
const LONGEST_REST_BYTES = 64 * 1024 * 1024;

export interface UploadBody {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Lets the client come to the answer of a refused upload, and ends the connection after it. */
  readRest(reply: FastifyReply): void;
}

/** What a route takes: what to call it in a refusal, and its content types. */
export interface UploadKind {
  readonly what: string;
  readonly types?: readonly string[];
}

/** @throws DaemonError REQUEST_UNSUPPORTED_MEDIA_TYPE */
export function uploadBody(request: FastifyRequest, { what, types = UPLOAD_TYPES }: UploadKind): UploadBody {
  const body = request.body as Readable | undefined;
  const isStream = typeof body?.iterator === 'function';
  if (!isStream || !types.includes(contentTypeOf(request))) {
    if (isStream) readRest(body);
    throw new DaemonError(
      'REQUEST_UNSUPPORTED_MEDIA_TYPE',
      `${what} is sent as its bytes, with one of the content types ${types.join(', ')}`,
    );
  }
  return {
    // Not `for await (… of body)`: that destroys the socket when a line is refused, and with it the answer.
    bytes: body.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>,
    readRest(reply) {
      if (!reply.raw.headersSent) void reply.header('connection', 'close');
      readRest(body);
    },
  };
}

/** Hands the body of an upload to `take`. @throws what `take` throws; DaemonError REQUEST_UNSUPPORTED_MEDIA_TYPE */
export async function takeUpload<T>(
  request: FastifyRequest,
  reply: FastifyReply,
  kind: UploadKind,
  take: (bytes: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<T> {
  const body = uploadBody(request, kind);
  try {
    return await take(body.bytes);
  } catch (error) {
    body.readRest(reply);
    throw error;
  }
}

/** Without parameters such as a character set. */
export const contentTypeOf = (request: FastifyRequest): string =>
  (request.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase();

function readRest(body: Readable): void {
  let left = LONGEST_REST_BYTES;
  body.on('error', () => undefined);
  body.on('data', (chunk: Uint8Array) => {
    left -= chunk.length;
    if (left < 0) body.destroy();
  });
}
