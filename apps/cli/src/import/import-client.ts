/** One upload of an import over HTTP: lines out, compressed; chunks in as they become durable. */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip } from 'node:zlib';
import { CliError } from '../errors.js';
import type { DaemonAddress } from '../local-daemon.js';
import { linesOf } from '../read-input.js';

export interface RefusedLine {
  readonly line: number;
  readonly code: string;
  readonly message: string;
}

export interface ImportedChunk {
  readonly firstLine: number;
  readonly lastLine: number;
  readonly requests: number;
  readonly commitments: number;
  readonly refused: readonly RefusedLine[];
}

interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}

type Answer = { readonly chunk?: ImportedChunk; readonly done?: object; readonly error?: Refusal };

/**
 * Sends lines from `firstLine` on and tells of each chunk; returns when the daemon has dealt with the last line.
 * @throws CliError `CLI_API_REFUSED`, `CLI_IMPORT_BROKEN` (retryable: ask how far it came and go on)
 */
export async function sendImport(
  daemon: DaemonAddress,
  {
    key,
    firstLine,
    lines,
  }: { readonly key: string; readonly firstLine: number; readonly lines: AsyncIterable<Uint8Array> },
  onChunk: (chunk: ImportedChunk) => void,
): Promise<void> {
  const url = new URL(`${daemon.url}/v1/deletion-requests/import`);
  url.searchParams.set('key', key);
  url.searchParams.set('firstLine', String(firstLine));
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const upload = send(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${daemon.token}`, 'content-type': 'application/x-ndjson' },
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    upload.once('response', resolve).once('error', reject);
  });
  const gzip = createGzip({ level: constants.Z_BEST_SPEED });
  // A daemon that refuses answers before everything is sent: its answer counts, not the cut upload.
  const sent = pipeline(Readable.from(lines, { objectMode: false }), gzip, upload).catch(
    (error: unknown) => error,
  );
  try {
    await readAnswers(await answered, onChunk);
  } catch (error) {
    if (error instanceof CliError) throw error;
    const cause = await sent;
    if (cause instanceof CliError) throw cause;
    throw new CliError('CLI_IMPORT_BROKEN', 'the connection to the daemon broke', {
      cause: error,
      retryable: true,
    });
  } finally {
    upload.destroy();
  }
}

async function readAnswers(
  response: IncomingMessage,
  onChunk: (chunk: ImportedChunk) => void,
): Promise<void> {
  for await (const line of linesOf(response)) {
    const answer = JSON.parse(line) as Answer;
    if (answer.chunk) onChunk(answer.chunk);
    if (answer.error) throw refused(answer.error);
    if (answer.done) return;
  }
  throw new Error('the answer ended early');
}

const refused = ({ code, message, retryable }: Refusal): CliError =>
  retryable
    ? new CliError('CLI_IMPORT_BROKEN', `${code}: ${message}`, { retryable })
    : new CliError('CLI_API_REFUSED', `${code}: ${message}`);
