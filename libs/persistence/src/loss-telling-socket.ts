/**
 * The socket under every connection. postgres.js expects that a socket which reports an error has refused everything
 * already, and leaves alone what was sent between the error and the close: those statements were never answered, and
 * after the reconnection their place in line took the answers of others. This socket reports every close as a plain
 * one, after which postgres.js refuses all that is still unanswered. Proven by test/fault/lost-connection.spec.ts.
 */
import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import type { CopySieve } from './copy-sieve.js';

/** As much as Node reads at once. */
const READ_BYTES = 64 * 1024;

export class LossTellingSocket extends Socket {
  // postgres.js reads it for the name in the server's certificate.
  host?: string;
  /** Set while a COPY runs. Under TLS nothing goes through it, for what this socket carries is encrypted. */
  sieve: CopySieve | null = null;

  constructor() {
    // One buffer for all that is read: one for each read would have the whole heap collected every few dozen megabytes.
    const onread: OnReadOpts = {
      buffer: new Uint8Array(READ_BYTES),
      callback: (bytes, { buffer }) => this.receive(Buffer.from(buffer, 0, bytes)),
    };
    // An option of the constructor, too; its types know it where a socket is made and connected at once.
    super({ onread } as SocketConstructorOpts);
  }

  override emit(event: string, ...facts: unknown[]): boolean {
    return event === 'close' ? super.emit('close', false) : super.emit(event, ...facts);
  }

  /** @param chunk valid during this call only */
  private receive(chunk: Buffer): boolean {
    for (const bytes of this.sieve ? this.sieve.sift(chunk) : [chunk]) this.emit('data', Buffer.from(bytes));
    return true;
  }
}

/** What postgres.js hands to a socket factory, as parsed from its options or URL. */
interface Target {
  readonly path?: string | false;
  readonly host: readonly string[];
  readonly port: readonly number[];
}

/** A factory of connecting sockets for one pool; of several hosts the next one is tried each time. */
export function socketFactory(): (target: Target) => LossTellingSocket {
  let attempts = 0;
  return ({ path, host, port }) => {
    const socket = new LossTellingSocket();
    if (path) return socket.connect(path);
    const place = attempts % host.length;
    attempts += 1;
    socket.host = host[place]!;
    return socket.connect(port[place]!, host[place]!);
  };
}
