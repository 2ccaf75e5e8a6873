/**
 * One request and its answer over HTTP, with limits on time and size and no redirects, on sockets whose addresses are
 * checked. What went wrong becomes a coded error here; nothing of a body gets into one, since servers like to quote what
 * they were sent. Proven by endpoint-client.spec.ts.
 */
import * as http from 'node:http';
import * as https from 'node:https';
import { InferenceError } from '../errors.js';
import { type Endpoint, guardedLookup } from './endpoint-access.js';

export interface EndpointRequest {
  readonly method: 'GET' | 'POST';
  /** Below the endpoint's base path, with its leading slash. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

export interface EndpointAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface ExchangeLimits {
  readonly timeoutMs: number;
  readonly maxAnswerBytes: number;
}

/**
 * Returns whatever the server answered, whole, whatever its status.
 * @param stop ends the exchange at once; it then rejects with the signal's reason
 * @throws InferenceError RUNTIME_TIMEOUT, RUNTIME_UNAVAILABLE, RUNTIME_RESPONSE_BROKEN (too large),
 *   RUNTIME_ENDPOINT_FORBIDDEN (address)
 */
export function exchange(
  endpoint: Endpoint,
  agent: http.Agent,
  request: EndpointRequest,
  limits: ExchangeLimits,
  stop: AbortSignal,
): Promise<EndpointAnswer> {
  return new Promise((resolve, reject) => {
    stop.throwIfAborted();
    const outgoing = (endpoint.secure ? https : http).request({
      agent,
      host: endpoint.hostname,
      port: endpoint.port,
      method: request.method,
      path: endpoint.basePath + request.path,
      headers: headersOf(endpoint, request),
      lookup: guardedLookup,
    });
    const fail = (error: unknown) => {
      end();
      outgoing.destroy();
      reject(error instanceof Error ? error : new Error('stopped', { cause: error }));
    };
    const timer = setTimeout(() => fail(timedOut(limits.timeoutMs)), limits.timeoutMs);
    const onStop = () => fail(stop.reason);
    const end = () => {
      clearTimeout(timer);
      stop.removeEventListener('abort', onStop);
    };
    stop.addEventListener('abort', onStop);
    outgoing.on('error', (error) => fail(connectionError(error)));
    outgoing.on('response', (incoming) => {
      readBody(incoming, limits.maxAnswerBytes).then((body) => {
        end();
        resolve({ status: incoming.statusCode!, headers: incoming.headers, body });
      }, fail);
    });
    outgoing.end(request.body);
  });
}

function headersOf(endpoint: Endpoint, request: EndpointRequest): Record<string, string> {
  return {
    accept: 'application/json, application/octet-stream',
    'accept-encoding': 'identity',
    ...(endpoint.token === null ? {} : { authorization: `Bearer ${endpoint.token}` }),
    ...(request.body === undefined ? {} : { 'content-length': String(request.body.byteLength) }),
    ...request.headers,
  };
}

async function readBody(incoming: http.IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      size += chunk.byteLength;
      if (size > maxBytes) throw tooLarge(maxBytes);
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof InferenceError ? error : connectionError(error as NodeJS.ErrnoException);
  }
  return Buffer.concat(chunks, size);
}

function tooLarge(maxBytes: number): InferenceError {
  return new InferenceError(
    'RUNTIME_RESPONSE_BROKEN',
    `the endpoint answered with more than ${maxBytes} bytes`,
    {
      details: { maxBytes },
    },
  );
}

export function timedOut(timeoutMs: number): InferenceError {
  return new InferenceError('RUNTIME_TIMEOUT', 'the endpoint did not answer within the time for one batch', {
    retryable: true,
    details: { timeoutMs },
  });
}

/** A certificate that is not trusted today will not be on the next try. */
const CERTIFICATE = /^(CERT_|ERR_TLS_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_)/;

function connectionError(error: NodeJS.ErrnoException): InferenceError {
  if (error instanceof InferenceError) return error;
  const reason = error.code ?? 'connection lost';
  if (CERTIFICATE.test(reason)) {
    return new InferenceError(
      'RUNTIME_UNAVAILABLE',
      `the certificate of the endpoint is not trusted (${reason})`,
      {
        cause: error,
      },
    );
  }
  return new InferenceError('RUNTIME_UNAVAILABLE', `the endpoint cannot be reached or hung up (${reason})`, {
    cause: error,
    retryable: true,
    details: { reason },
  });
}
