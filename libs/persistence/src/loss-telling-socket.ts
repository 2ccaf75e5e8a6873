/**
 * The socket under every connection. postgres.js expects that a socket which reports an error has refused everything
 * already, and leaves alone what was sent between the error and the close: those statements were never answered, and
 * after the reconnection their place in line took the answers of others. This socket reports every close as a plain
 * one, after which postgres.js refuses all that is still unanswered. Proven by test/fault/lost-connection.spec.ts.
 */
import { Socket } from 'node:net';

class LossTellingSocket extends Socket {
  // postgres.js reads it for the name in the server's certificate.
  host?: string;

  override emit(event: string, ...facts: unknown[]): boolean {
    return event === 'close' ? super.emit('close', false) : super.emit(event, ...facts);
  }
}

/** What postgres.js hands to a socket factory, as parsed from its options or URL. */
interface Target {
  readonly path?: string | false;
  readonly host: readonly string[];
  readonly port: readonly number[];
}

/** A factory of connecting sockets for one pool; of several hosts the next one is tried each time. */
export function socketFactory(): (target: Target) => Socket {
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
