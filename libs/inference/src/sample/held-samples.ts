/**
 * Samples that their owner keeps, fetched when they are measured: https to a host that the operator allows, no redirect,
 * within limits of time and size, and only the very bytes whose digest was stored. The file holds one sample as JSON.
 * Nothing of it is kept, and nothing of it gets into an error. Proven by held-samples.spec.ts.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import * as https from 'node:https';
import { InferenceError } from '../errors.js';
import { checkHeldUrl, guardedLookup, type HeldSampleAccess } from './held-access.js';
import { parseSample } from './parse-sample.js';
import { decodeSample, encodeSample, FORM_BYTE } from './payload.js';
import type { SampleReference } from './sample.js';

export interface HeldSampleOptions {
  readonly access: HeldSampleAccess;
  /** Longest time for one sample, in milliseconds. */
  readonly timeoutMs: number;
  /** PEM of the authorities to trust in place of the public ones. */
  readonly ca?: string;
  readonly lookup?: ReturnType<typeof guardedLookup>;
}

export interface FetchedPayloads {
  /** As given, with every reference replaced by what it leads to; null where that was refused. */
  readonly payloads: readonly (Uint8Array | null)[];
  /** Why, by place. */
  readonly refused: ReadonlyMap<number, InferenceError>;
}

/** Requests under way at once: a block of small samples is bound by the way there and back. */
const CONCURRENT = 16;

export class HeldSamples {
  private readonly agent: https.Agent;
  private readonly lookup: ReturnType<typeof guardedLookup>;

  constructor(private readonly options: HeldSampleOptions) {
    this.agent = new https.Agent({ keepAlive: true, maxSockets: CONCURRENT });
    this.lookup = options.lookup ?? guardedLookup(options.access);
  }

  /** Whether what the vault has is a reference to a sample that is kept elsewhere. */
  static isHeld(payload: Uint8Array): boolean {
    return payload[0] === FORM_BYTE.reference;
  }

  /**
   * @param payloads out of the vault, null where it has none
   * @throws InferenceError SAMPLE_HOST_UNAVAILABLE (retryable): nothing is decided about the samples behind it
   */
  async fetchAll(payloads: readonly (Uint8Array | null)[]): Promise<FetchedPayloads> {
    const result = [...payloads];
    const refused = new Map<number, InferenceError>();
    const places = payloads.flatMap((payload, place) =>
      payload && HeldSamples.isHeld(payload) ? [place] : [],
    );
    let next = 0;
    const fetchSome = async (): Promise<void> => {
      for (let place = places[next++]; place !== undefined; place = places[next++]) {
        try {
          result[place] = await this.fetch(payloads[place]!);
        } catch (error) {
          if (!(error instanceof InferenceError) || error.retryable) throw error;
          result[place] = null;
          refused.set(place, error);
        }
      }
    };
    const lanes = await Promise.allSettled(Array.from({ length: CONCURRENT }, fetchSome));
    for (const lane of lanes) if (lane.status === 'rejected') throw lane.reason;
    return { payloads: result, refused };
  }

  close(): void {
    this.agent.destroy();
  }

  private async fetch(payload: Uint8Array): Promise<Uint8Array> {
    const reference = decodeSample(payload) as SampleReference;
    const bytes = await this.get(checkHeldUrl(reference.url, this.options.access), reference.sizeBytes);
    const digest = createHash('sha256').update(bytes).digest('hex');
    if (bytes.length !== reference.sizeBytes || digest !== reference.sha256) throw mismatch();
    const { sample } = parseSample(parseJson(bytes));
    if (sample.form === 'reference')
      throw new InferenceError('SAMPLE_MALFORMED', 'a kept sample must not be a reference itself');
    return encodeSample(sample);
  }

  private get(url: URL, sizeBytes: number): Promise<Uint8Array> {
    const { timeoutMs, ca } = this.options;
    return new Promise((resolve, reject) => {
      const request = https.request(url, {
        agent: this.agent,
        lookup: this.lookup,
        headers: { accept: 'application/json', 'accept-encoding': 'identity' },
        ...(ca === undefined ? {} : { ca }),
      });
      const fail = (error: unknown) => {
        clearTimeout(timer);
        request.destroy();
        reject(error instanceof InferenceError ? error : unavailable(error));
      };
      const timer = setTimeout(() => fail(timedOut(timeoutMs)), timeoutMs);
      request.on('error', fail);
      request.on('response', (response) => {
        read(response, sizeBytes).then((bytes) => {
          clearTimeout(timer);
          resolve(bytes);
        }, fail);
      });
      request.end();
    });
  }
}

async function read(response: IncomingMessage, sizeBytes: number): Promise<Uint8Array> {
  const status = response.statusCode ?? 0;
  if (status !== 200) throw refusal(status);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > sizeBytes) throw mismatch();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    // The cause is dropped on purpose: a parser's message quotes its input.
    throw new InferenceError('SAMPLE_MALFORMED', 'a kept sample is not JSON');
  }
}

function refusal(status: number): InferenceError {
  const details = { status };
  if (status === 408 || status === 429 || status >= 500)
    return new InferenceError(
      'SAMPLE_HOST_UNAVAILABLE',
      `a kept sample cannot be had for now (status ${status})`,
      {
        retryable: true,
        details,
      },
    );
  const why = status >= 300 && status < 400 ? 'redirects, which is not followed' : 'refused the request';
  return new InferenceError('SAMPLE_HOST_REFUSED', `the host of a kept sample ${why} (status ${status})`, {
    details,
  });
}

const mismatch = (): InferenceError =>
  new InferenceError(
    'SAMPLE_DIGEST_MISMATCH',
    'a kept sample is not the one whose digest and size were stored',
  );

const timedOut = (timeoutMs: number): InferenceError =>
  new InferenceError('SAMPLE_HOST_UNAVAILABLE', 'a kept sample did not come in time', {
    retryable: true,
    details: { timeoutMs },
  });

/** A certificate that is not trusted today may be renewed tomorrow; a name that is gone may come back. */
function unavailable(error: unknown): InferenceError {
  const reason = error instanceof Error && 'code' in error ? String(error.code) : 'connection lost';
  return new InferenceError('SAMPLE_HOST_UNAVAILABLE', `a kept sample cannot be had for now (${reason})`, {
    retryable: true,
    details: { reason },
    cause: error,
  });
}
