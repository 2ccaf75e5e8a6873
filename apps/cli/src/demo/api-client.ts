/** The daemon's public API as any client would use it: GraphQL, and REST for bulk files and downloads. */
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { CliError } from '../errors.js';

interface GraphqlAnswer {
  readonly data?: unknown;
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[];
}

export class ApiClient {
  constructor(
    readonly url: string,
    private readonly token: string,
  ) {}

  /** @throws CliError `CLI_API_REFUSED` with the server's code and message */
  async graphql<T>(query: string, variables: Record<string, unknown> = {}): Promise<T> {
    const response = await this.request('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    const answer = (await response.json()) as GraphqlAnswer;
    const [error] = answer.errors ?? [];
    if (error) {
      const code = error.extensions?.code ?? String(response.status);
      throw new CliError('CLI_API_REFUSED', `${code}: ${error.message}`, { details: { code } });
    }
    return answer.data as T;
  }

  /** Uploads recorded signals as gzip NDJSON and returns the recording's id. */
  async uploadLosses(rows: Iterable<{ readonly sampleId: string; readonly loss: number }>): Promise<string> {
    const answer = await this.uploadLines<{ recordingId: string }>('/v1/recordings?kind=loss', rows);
    return answer.recordingId;
  }

  /** Uploads objects as gzip NDJSON, one a line. */
  async uploadLines<T>(path: string, rows: Iterable<object>): Promise<T> {
    let text = '';
    for (const row of rows) text += `${JSON.stringify(row)}\n`;
    return this.upload<T>(path, gzipSync(text), {
      'content-type': 'application/x-ndjson',
      'content-encoding': 'gzip',
    });
  }

  /** @throws CliError `CLI_API_REFUSED` */
  async upload<T>(path: string, bytes: Uint8Array, headers: Record<string, string>): Promise<T> {
    const response = await this.request(path, { method: 'POST', headers, body: new Uint8Array(bytes) });
    await refuseFailure(response);
    return (await response.json()) as T;
  }

  /** Streams a download into a file. */
  async download(path: string, file: string): Promise<void> {
    const response = await this.request(path, {});
    await refuseFailure(response);
    await pipeline(Readable.fromWeb(response.body as ReadableStream), createWriteStream(file));
  }

  private async request(path: string, init: RequestInit): Promise<Response> {
    const headers = {
      ...(init.headers as Record<string, string> | undefined),
      authorization: `Bearer ${this.token}`,
    };
    try {
      return await fetch(`${this.url}${path}`, { ...init, headers });
    } catch (cause) {
      throw new CliError('CLI_API_REFUSED', `the daemon at ${this.url} does not answer`, {
        cause,
        retryable: true,
      });
    }
  }
}

async function refuseFailure(response: Response): Promise<void> {
  if (response.ok) return;
  throw new CliError('CLI_API_REFUSED', `HTTP ${response.status}: ${(await response.text()).slice(0, 500)}`);
}
