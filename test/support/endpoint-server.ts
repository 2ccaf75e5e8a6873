/** A listening HTTP server on this machine for tests of endpoints, with a place to go wrong in front of the real work. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** Answers in place of the server, or lets the request pass with null, now or later. */
export type Fault = (
  request: Received,
  response: ServerResponse,
) => Answer | null | 'handled' | Promise<null>;

export class EndpointServer {
  readonly received: Received[] = [];
  fault: Fault | null = null;
  private server!: Server;

  constructor(private readonly answer: (request: Received) => Answer | Promise<Answer>) {}

  async listen(): Promise<void> {
    this.server = createServer((incoming, response) => void this.serve(incoming, response));
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
  }

  get host(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get url(): string {
    return `http://${this.host}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
    const request = {
      method: incoming.method!,
      path: incoming.url!,
      headers: incoming.headers,
      body: Buffer.concat(chunks),
    };
    this.received.push(request);
    const instead = (await this.fault?.(request, response)) ?? null;
    if (instead === 'handled') return;
    const { status, headers, body } = instead ?? (await this.answer(request));
    response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers }).end(body);
  }
}

export function json(status: number, value: unknown): Answer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) };
}
