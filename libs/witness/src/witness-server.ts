/** The reference witness on a socket: POST /add-checkpoint, GET /vkey. One request body at a time is small and bounded. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Witness, WitnessAnswer } from './witness.js';

/** 63 proof lines and a checkpoint with many signatures fit several times over. */
const MAX_BODY_BYTES = 128 * 1024;
/** A client that trickles its request bytes is cut off. */
const REQUEST_TIMEOUT_MS = 10_000;

export interface WitnessServerOptions {
  readonly witness: Witness;
  readonly vkey: string;
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** One call for each answered request. */
  readonly onAnswer: (path: string, status: number, error?: unknown) => void;
}

export interface WitnessServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Listens; rejects with the system's error when it cannot. */
export async function startWitnessServer(options: WitnessServerOptions): Promise<WitnessServer> {
  const server = createServer((request, response) => void respond(options, request, response));
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = REQUEST_TIMEOUT_MS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  const { address, port, family } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    close: () => closeServer(server),
  };
}

async function respond(
  { witness, vkey, onAnswer }: WitnessServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = (request.url ?? '').split('?')[0]!;
  let answer: WitnessAnswer;
  let failure: unknown;
  try {
    answer = await answerOf(witness, vkey, path, request);
  } catch (error) {
    failure = error;
    answer = plain(500, 'the witness cannot answer; its log says why');
  }
  onAnswer(path, answer.status, failure);
  response
    .writeHead(answer.status, { 'content-type': answer.contentType, 'x-content-type-options': 'nosniff' })
    .end(answer.body);
}

async function answerOf(
  witness: Witness,
  vkey: string,
  path: string,
  request: IncomingMessage,
): Promise<WitnessAnswer> {
  if (path === '/vkey' && request.method === 'GET') return plain(200, vkey);
  if (path !== '/add-checkpoint') return plain(404, 'there is nothing at this address');
  if (request.method !== 'POST') return plain(405, 'checkpoints are sent with POST');
  const body = await bodyOf(request);
  return body ? witness.addCheckpoint(body) : plain(413, 'the request is too large');
}

async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const plain = (status: number, line: string): WitnessAnswer => ({
  status,
  contentType: 'text/plain; charset=utf-8',
  body: `${line}\n`,
});

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}
