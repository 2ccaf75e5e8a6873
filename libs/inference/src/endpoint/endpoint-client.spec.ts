import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Answer, EndpointServer, type Fault, json } from '../../../../test/support/endpoint-server.js';
import { InferenceError } from '../errors.js';
import { checkEndpoint, endpointAccess } from './endpoint-access.js';
import { type ClientSettings, EndpointClient } from './endpoint-client.js';

const SECRET = 'sample-content-of-a-person';
const REQUEST = { method: 'POST', path: '/x', body: Buffer.from(SECRET) } as const;

let server: EndpointServer;
let pauses: number[];
const clients: EndpointClient[] = [];

beforeEach(async () => {
  pauses = [];
  server = new EndpointServer(({ body }) => ({ status: 200, body: `got ${body.toString()}` }));
  await server.listen();
});
afterEach(async () => {
  clients.splice(0).forEach((client) => client.close());
  await server.close();
});

function client(settings: Partial<ClientSettings> = {}, url = server.url, token?: string): EndpointClient {
  const access = {
    ...endpointAccess(['127.0.0.1'], undefined),
    tokens: new Map(token ? [['127.0.0.1', token]] : []),
  };
  const made = new EndpointClient(checkEndpoint(url, access), {
    random: () => 0.5,
    pause: (ms) => Promise.resolve(pauses.push(ms)),
    ...settings,
  });
  clients.push(made);
  return made;
}

const send = (over: EndpointClient, timeoutMs = 5000) => over.send(REQUEST, over.deadline(timeoutMs));

async function refusal(sent: Promise<unknown>): Promise<InferenceError> {
  const error: unknown = await sent.then(
    () => new Error('it was answered'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof InferenceError)) throw error;
  // Neither what was sent nor the server's own words may get anywhere.
  expect(`${error.message} ${JSON.stringify(error.details)} ${String(error.cause)}`).not.toContain(SECRET);
  return error;
}

/** Faults for the first requests, one each; then the server answers. */
function first(...answers: (Answer | Fault)[]): Fault {
  let at = 0;
  return (request, response) => {
    const answer = answers[at++];
    return typeof answer === 'function' ? answer(request, response) : (answer ?? null);
  };
}
const hangUp: Fault = (_, response) => {
  response.destroy();
  return 'handled';
};
const cutOff: Fault = (_, response) => {
  response.writeHead(200, { 'content-length': '1000' }).write('half of it', () => response.destroy());
  return 'handled';
};
const silent: Fault = () => 'handled';
const busy = (headers: Record<string, string> = {}): Answer => ({ status: 429, headers, body: SECRET });

describe('EndpointClient', () => {
  it('sends method, path and body below the base path, with the token of the host', async () => {
    const answer = await send(client({}, `${server.url}/base/`, 'a-token'));
    expect(answer.body.toString()).toBe(`got ${SECRET}`);
    expect(server.received[0]).toMatchObject({ method: 'POST', path: '/base/x', body: REQUEST.body });
    expect(server.received[0]!.headers.authorization).toBe('Bearer a-token');
  });

  it.each([
    ['429', busy()],
    ['502', { status: 502, body: '' }],
    ['503', { status: 503, body: '' }],
    ['504', { status: 504, body: '' }],
    ['500, once', { status: 500, body: SECRET }],
    ['a connection closed without an answer', hangUp],
    ['an answer that is cut off', cutOff],
  ])('tries again after %s', async (_, fault) => {
    server.fault = first(fault);
    expect((await send(client())).status).toBe(200);
    expect(pauses).toEqual([187.5]);
  });

  it('pauses longer each time, and gives up as retryable', async () => {
    server.fault = () => busy();
    const error = await refusal(send(client()));
    expect(error).toMatchObject({ code: 'RUNTIME_UNAVAILABLE', retryable: true, details: { status: 429 } });
    expect(pauses).toEqual([187.5, 375, 750]);
    expect(server.received).toHaveLength(4);
  });

  it('keeps to Retry-After in seconds and as a date', async () => {
    const now = Date.parse('2026-01-01T00:00:00Z');
    server.fault = first(
      busy({ 'retry-after': '2' }),
      busy({ 'retry-after': 'Thu, 01 Jan 2026 00:00:03 GMT' }),
    );
    expect((await send(client({ now: () => now }))).status).toBe(200);
    expect(pauses).toEqual([2000, 3000]);
  });

  it('does not wait past its deadline: whoever asked may come back then', async () => {
    server.fault = () => busy({ 'retry-after': '60' });
    const error = await refusal(send(client()));
    expect(error).toMatchObject({
      code: 'RUNTIME_UNAVAILABLE',
      retryable: true,
      details: { retryAfterMs: 60_000 },
    });
    expect(pauses).toEqual([]);
  });

  it('a server that is not there', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as AddressInfo;
    await new Promise((resolve) => other.close(resolve));
    const error = await refusal(send(client({}, `http://127.0.0.1:${port}`)));
    expect(error).toMatchObject({
      code: 'RUNTIME_UNAVAILABLE',
      retryable: true,
      details: { reason: 'ECONNREFUSED' },
    });
    expect(pauses).toHaveLength(3);
  });

  it.each([
    [400, false],
    [401, false],
    [403, false],
    [404, false],
    [413, false],
    [422, false],
    [500, true],
    [501, false],
  ])('%d is a refusal', async (status, retryable) => {
    server.fault = () => json(status, { error: `cannot read ${SECRET}` });
    const error = await refusal(send(client()));
    expect(error).toMatchObject({ code: 'RUNTIME_ENDPOINT_REFUSED', retryable, details: { status } });
    expect(server.received).toHaveLength(status === 500 ? 2 : 1);
  });

  it.each([301, 302, 307, 308])('%d is not followed', async (status) => {
    server.fault = first({ status, headers: { location: '/elsewhere' }, body: '' });
    const error = await refusal(send(client()));
    expect(error).toMatchObject({ code: 'RUNTIME_ENDPOINT_REFUSED', retryable: false, details: { status } });
    expect(server.received.map(({ path }) => path)).toEqual(['/x']);
  });

  it('the time is for the whole of it', async () => {
    server.fault = silent;
    expect(await refusal(send(client(), 50))).toMatchObject({
      code: 'RUNTIME_TIMEOUT',
      retryable: true,
      details: { timeoutMs: 50 },
    });
    const over = client();
    const deadline = { ...over.deadline(50), atMs: Date.now() - 1 };
    expect(await refusal(over.send(REQUEST, deadline))).toMatchObject({ code: 'RUNTIME_TIMEOUT' });
    expect(server.received).toHaveLength(1);
  });

  it('an answer that trickles is no way round the time', async () => {
    server.fault = (_, response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write('.'), 5);
      response.once('close', () => clearInterval(drip));
      return 'handled';
    };
    expect(await refusal(send(client(), 60))).toMatchObject({ code: 'RUNTIME_TIMEOUT' });
  });

  it('a too large answer is cut, announced or not', async () => {
    const body = 'x'.repeat(2000);
    server.fault = (_, response) => {
      response.writeHead(200).end(body);
      return 'handled';
    };
    const error = await refusal(send(client({ maxAnswerBytes: 1000 })));
    expect(error).toMatchObject({
      code: 'RUNTIME_RESPONSE_BROKEN',
      retryable: false,
      details: { maxBytes: 1000 },
    });
  });

  it('answers many at once, without a word of warning', async () => {
    const warnings: Error[] = [];
    const note = (warning: Error) => warnings.push(warning);
    process.on('warning', note);
    const over = client();
    const answers = await Promise.all(Array.from({ length: 50 }, () => send(over)));
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', note);
    expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(200));
    expect(warnings).toEqual([]);
  });

  it('closing ends what is under way and refuses what comes later', async () => {
    server.fault = silent;
    const over = client();
    const sent = refusal(send(over));
    await expect.poll(() => server.received.length).toBe(1);
    over.close();
    expect((await sent).code).toBe('RUNTIME_DISPOSED');
    expect((await refusal(send(over))).code).toBe('RUNTIME_DISPOSED');
  });
});
