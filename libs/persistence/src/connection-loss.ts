/**
 * Tells the loss of a connection (server killed, restarting, unreachable) from what a statement did wrong. After a loss
 * nobody knows whether a commit under way took place; callers say so by idempotency keys when they try again.
 * Proven by connection-loss.spec.ts and test/fault.
 */

/** Codes of postgres.js for a connection that ended under a query or was never made. */
const DRIVER_CODES = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'CONNECT_TIMEOUT',
]);
/** Server states that end a connection or refuse one: class 08, shutdown, crash, start-up, too many connections. */
const SERVER_CODES = /^(08\w{3}|57P0[1-5]|53300)$/;

/** True when `error`, or what caused it, is the loss of a database connection. */
export function isConnectionLoss(error: unknown): boolean {
  for (let one = error; one instanceof Error; one = one.cause) {
    const { code, syscall } = one as { code?: unknown; syscall?: unknown };
    // Any failed system call on the socket: EPIPE, ECONNRESET, ECONNREFUSED, ENOENT for a socket file that is gone …
    if (typeof syscall === 'string' && SOCKET_CALLS.has(syscall)) return true;
    if (typeof code === 'string' && (DRIVER_CODES.has(code) || SERVER_CODES.test(code))) return true;
  }
  return false;
}

const SOCKET_CALLS = new Set(['connect', 'read', 'write', 'shutdown']);
