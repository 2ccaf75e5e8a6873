/**
 * Talks to one endpoint: every request has a deadline, what may pass is tried again with growing, randomly shortened
 * pauses, and only a 200 comes back. Proven by endpoint-client.spec.ts.
 */
import { setMaxListeners } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import { setTimeout as pause } from 'node:timers/promises';
import { InferenceError } from '../errors.js';
import type { Endpoint } from './endpoint-access.js';
import { type EndpointAnswer, type EndpointRequest, exchange, timedOut } from './http-exchange.js';
import { parseRetryAfter } from './retry-after.js';

export interface ClientSettings {
  readonly maxAnswerBytes: number;
  /** First pause, in milliseconds; doubles with each try. */
  readonly firstPauseMs: number;
  readonly tries: number;
  /** In [0, 1): shortens pauses, so that workers do not come back all at once. */
  readonly random: () => number;
  readonly now: () => number;
  readonly pause: (ms: number, stop: AbortSignal) => Promise<unknown>;
}

/** An answer of 65,536 tokens or of 4,096 rows of 1,000 classes in JSON stays well below; a runaway one does not. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
/** Longer waits are the queue's business: it lets the block go and the worker does something else. */
const TRIES = 4;

const DEFAULTS: ClientSettings = {
  maxAnswerBytes: MAX_ANSWER_BYTES,
  firstPauseMs: 250,
  tries: TRIES,
  random: Math.random,
  now: Date.now,
  pause: (ms, signal) => pause(ms, undefined, { signal }),
};

/** A model that fails on its input says 500 as well as a server in trouble does: worth one more try, not several. */
const TRIES_AFTER_500 = 2;
const MAY_PASS = new Set([408, 425, 429, 502, 503, 504]);

export class EndpointClient {
  private readonly settings: ClientSettings;
  private readonly agent: http.Agent;
  private readonly stopping = new AbortController();

  constructor(
    private readonly endpoint: Endpoint,
    settings: Partial<ClientSettings> = {},
  ) {
    this.settings = { ...DEFAULTS, ...settings };
    // One listener a request under way; as many as callers like.
    setMaxListeners(0, this.stopping.signal);
    const sockets = { keepAlive: true, maxSockets: 16 };
    this.agent = endpoint.secure ? new https.Agent(sockets) : new http.Agent(sockets);
  }

  /** The moment until which work that begins now may take, for {@link send}. */
  deadline(timeoutMs: number): Deadline {
    return { atMs: this.settings.now() + timeoutMs, timeoutMs };
  }

  /**
   * Returns the answer, whose status is 200.
   * @throws InferenceError RUNTIME_UNAVAILABLE and RUNTIME_TIMEOUT (retryable), RUNTIME_ENDPOINT_REFUSED
   *   (details: status), RUNTIME_RESPONSE_BROKEN, RUNTIME_ENDPOINT_FORBIDDEN, RUNTIME_DISPOSED
   */
  async send(request: EndpointRequest, deadline: Deadline): Promise<EndpointAnswer> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.attempt(request, deadline);
      } catch (error) {
        const pauseMs = this.pauseAfter(error, attempt, deadline);
        if (pauseMs === null) throw error;
        await this.settings.pause(pauseMs, this.stopping.signal).catch(() => {
          throw this.stopping.signal.reason;
        });
      }
    }
  }

  close(): void {
    this.stopping.abort(new InferenceError('RUNTIME_DISPOSED', 'the runtime was disposed of'));
    this.agent.destroy();
  }

  private async attempt(request: EndpointRequest, deadline: Deadline): Promise<EndpointAnswer> {
    const leftMs = deadline.atMs - this.settings.now();
    if (leftMs <= 0) throw timedOut(deadline.timeoutMs);
    const limits = { timeoutMs: leftMs, maxAnswerBytes: this.settings.maxAnswerBytes };
    const answer = await exchange(this.endpoint, this.agent, request, limits, this.stopping.signal);
    if (answer.status === 200) return answer;
    throw refusal(answer, this.settings.now());
  }

  /** Milliseconds to wait before the next try, or null where there is none. */
  private pauseAfter(error: unknown, attempt: number, deadline: Deadline): number | null {
    if (!(error instanceof InferenceError) || attempt >= this.settings.tries) return null;
    const after500 = error.details['status'] === 500 && attempt < TRIES_AFTER_500;
    if (!after500 && !(error.code === 'RUNTIME_UNAVAILABLE' && error.retryable)) return null;
    const { firstPauseMs, random, now } = this.settings;
    const own = firstPauseMs * 2 ** (attempt - 1) * (1 - random() / 2);
    const asked = error.details['retryAfterMs'];
    const pauseMs = Math.max(own, typeof asked === 'number' ? asked : 0);
    return now() + pauseMs < deadline.atMs ? pauseMs : null;
  }
}

export interface Deadline {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly timeoutMs: number;
}

const ADVICE: Readonly<Record<number, string>> = {
  401: 'it wants a token: see LACUNA_ENDPOINT_TOKENS',
  403: 'the token in LACUNA_ENDPOINT_TOKENS does not suffice',
  404: 'it has no such model, or speaks another protocol',
};

function refusal(answer: EndpointAnswer, nowMs: number): InferenceError {
  const { status } = answer;
  if (MAY_PASS.has(status)) {
    const retryAfterMs = parseRetryAfter(answer.headers['retry-after'], nowMs);
    return new InferenceError(
      'RUNTIME_UNAVAILABLE',
      `the endpoint is busy or down for now (status ${status})`,
      {
        retryable: true,
        details: { status, ...(retryAfterMs === null ? {} : { retryAfterMs }) },
      },
    );
  }
  if (status >= 300 && status < 400) {
    return new InferenceError(
      'RUNTIME_ENDPOINT_REFUSED',
      `the endpoint redirects (status ${status}), which is not followed; declare the address it leads to`,
      { details: { status } },
    );
  }
  const advice = ADVICE[status] ?? 'its log says why; the text of the answer is kept out of here';
  return new InferenceError(
    'RUNTIME_ENDPOINT_REFUSED',
    `the endpoint refused the request (status ${status}): ${advice}`,
    { retryable: status === 500, details: { status } },
  );
}
