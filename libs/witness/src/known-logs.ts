/**
 * Which logs a witness knows, one a line:
 *
 *     log <vkey>       the log whose origin is the key's name
 *     ledger <vkey>    every log whose origin begins with the key's name and a slash, each signing under its own origin
 *
 * A Lacuna ledger grows a log with every model and signs all with one key, so its witness knows it by one line: the
 * `lacuna:vkey` of its key set. Empty lines and lines that begin with # say nothing. Proven by witness.spec.ts.
 */
import {
  createVerifierKey,
  type NoteVerifier,
  parseVerifierKey,
  SIGNATURE_TYPES,
  TlogError,
  type VerifierKey,
} from '@app/tlog';
import { WitnessError } from './errors.js';

export class KnownLogs {
  private constructor(
    private readonly logs: readonly VerifierKey[],
    private readonly ledgers: readonly VerifierKey[],
  ) {}

  /** @throws WitnessError `WITNESS_LOGS_MALFORMED` with details.line */
  static parse(file: string): KnownLogs {
    const logs: VerifierKey[] = [];
    const ledgers: VerifierKey[] = [];
    for (const [position, line] of file.split(/\r?\n/).entries()) {
      const [keyword = '', vkey, ...rest] = line.split(/[ \t]+/).filter((item) => item !== '');
      if (keyword === '' || keyword.startsWith('#')) continue;
      const list = { log: logs, ledger: ledgers }[keyword];
      if (!list || vkey === undefined || rest.length > 0) {
        throw malformed(position + 1, 'a line is: log <vkey>, or: ledger <vkey>');
      }
      list.push(readKey(vkey, position + 1));
    }
    return new KnownLogs(logs, ledgers);
  }

  /** Keys that may sign for that origin; none: the log is unknown. */
  verifiersFor(origin: string): NoteVerifier[] {
    return [
      ...this.logs.filter(({ name }) => name === origin),
      ...this.ledgers
        .filter(({ name }) => origin.startsWith(`${name}/`))
        .map(({ type, publicKey }) => createVerifierKey({ name: origin, type, publicKey })),
    ];
  }
}

function readKey(vkey: string, line: number): VerifierKey {
  try {
    const key = parseVerifierKey(vkey);
    if (key.type === SIGNATURE_TYPES.ed25519) return key;
  } catch (cause) {
    if (!(cause instanceof TlogError)) throw cause;
    throw malformed(line, cause.message, cause);
  }
  throw malformed(line, 'the key is not one that logs sign with');
}

function malformed(line: number, message: string, cause?: unknown): WitnessError {
  return new WitnessError('WITNESS_LOGS_MALFORMED', `line ${line} of the known logs: ${message}`, {
    cause,
    details: { line },
  });
}
