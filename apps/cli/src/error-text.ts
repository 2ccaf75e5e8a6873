/** What the person at the terminal is told of a failure. Proven by error-text.spec.ts. */
import { CodedError } from '@app/errors';

/** One line for a coded error; anything else is a bug, and its stack helps to find it. */
export function errorText(error: unknown): string {
  if (error instanceof CodedError) return `${error.code}: ${error.message}${fileReason(error.cause)}`;
  return String((error as Error).stack ?? error);
}

/** What the system said of a file, which it names. */
const fileReason = (cause: unknown): string =>
  cause instanceof Error && 'syscall' in cause && 'path' in cause ? ` (${cause.message})` : '';
