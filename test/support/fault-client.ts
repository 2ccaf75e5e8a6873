/**
 * A client that does what every client of a service that may die has to do: it sends the same request with the same
 * idempotency key again when the connection breaks or the answer says that it may be retried, and only then.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';

/** An answer that takes longer is a hang, and a hang after a crash is a bug. */
const ANSWER_TIMEOUT_MS = 20_000;
/** Recoveries take a second or two; a request that is refused for longer is lost. */
const PATIENCE_MS = 120_000;
const PAUSE_MS = 20;

interface ErrorAnswer {
  readonly message: string;
  readonly extensions?: { readonly code?: string; readonly retryable?: boolean };
}

interface GraphqlAnswer {
  readonly data?: unknown;
  readonly errors?: readonly ErrorAnswer[];
}

/** The connection broke, or the server said that the same request may succeed later. */
class TryAgain extends Error {}

export interface ClientOptions {
  /** Where the daemon is now; null while there is none. */
  readonly url: () => string | null;
  readonly token: string;
}

export class FaultClient {
  /** Attempts that had to be repeated, by what they were told. */
  readonly retries = new Map<string, number>();

  constructor(private readonly options: ClientOptions) {}

  /** Runs a GraphQL operation until it is answered. @throws for a refusal that is not retryable */
  graphql<T>(query: string, variables: Record<string, unknown> = {}): Promise<T> {
    const body = JSON.stringify({ query, variables });
    return this.untilAnswered(async () => {
      const text = await this.send('/graphql', { method: 'POST', body }, 'application/json');
      const { data, errors } = JSON.parse(text) as GraphqlAnswer;
      const [error] = errors ?? [];
      if (!error) return data as T;
      const what = `${error.extensions?.code ?? 'no code'}: ${error.message}`;
      throw error.extensions?.retryable ? new TryAgain(what) : new Error(what);
    });
  }

  /** Runs one mutation that returns something with an id. */
  async mutate(field: string, input: Readonly<Record<string, unknown>>): Promise<string> {
    const type = `${field[0]!.toUpperCase()}${field.slice(1)}Input`;
    const query = `mutation ($input: ${type}!) { ${field}(input: $input) { id } }`;
    const answer = await this.graphql<Record<string, { id: string }>>(query, { input });
    return answer[field]!.id;
  }

  /** Uploads recorded losses; the same content again is the same recording. */
  upload(rows: Iterable<{ readonly sampleId: string; readonly loss: number }>): Promise<string> {
    const lines = Array.from(rows, (row) => `${JSON.stringify(row)}\n`).join('');
    const body = new Uint8Array(gzipSync(lines));
    return this.untilAnswered(async () => {
      const headers = { 'content-encoding': 'gzip' };
      const text = await this.send(
        '/v1/recordings?kind=loss',
        { method: 'POST', body, headers },
        'application/x-ndjson',
      );
      return (JSON.parse(text) as { recordingId: string }).recordingId;
    });
  }

  /** Sends bytes that are harmless to send again. @returns the answer */
  post<T>(path: string, body: Uint8Array, contentType: string): Promise<T> {
    return this.untilAnswered(async () => {
      const init = { method: 'POST', body: new Uint8Array(body) };
      return JSON.parse(await this.send(path, init, contentType)) as T;
    });
  }

  download(path: string): Promise<string> {
    return this.untilAnswered(() => this.send(path, {}));
  }

  private async untilAnswered<T>(attempt: () => Promise<T>): Promise<T> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof TryAgain)) throw error;
        const why = error.message.slice(0, 60);
        this.retries.set(why, (this.retries.get(why) ?? 0) + 1);
        if (Date.now() > deadline) throw new Error('the request was never answered', { cause: error });
        await delay(PAUSE_MS);
      }
    }
  }

  private async send(path: string, init: RequestInit, contentType?: string): Promise<string> {
    const url = this.options.url();
    if (url === null) throw new TryAgain('no daemon');
    const headers = {
      authorization: `Bearer ${this.options.token}`,
      ...(contentType ? { 'content-type': contentType } : {}),
      ...(init.headers as Record<string, string> | undefined),
    };
    const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${url}${path}`, { ...init, headers, signal });
      text = await response.text();
    } catch (cause) {
      if (signal.aborted) throw new Error(`${path} hung for ${ANSWER_TIMEOUT_MS} ms`, { cause });
      throw new TryAgain('the connection broke', { cause });
    }
    if (response.ok || isGraphqlAnswer(text)) return text;
    const what = `HTTP ${response.status}: ${text.slice(0, 300)}`;
    throw isRetryable(text) ? new TryAgain(what) : new Error(what);
  }
}

const isGraphqlAnswer = (text: string): boolean => text.startsWith('{"data"') || text.includes('"errors":[');
const isRetryable = (text: string): boolean => text.includes('"retryable":true');
