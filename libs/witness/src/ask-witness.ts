/**
 * One witness asked to cosign one checkpoint over HTTP (C2SP tlog-witness v1.0.0). The witness's memory decides: where
 * it answers with another size than we thought (409), the consistency proof is made from that size. Whatever comes back
 * is believed only as far as the witness's key signed it. Proven by ask-witness.spec.ts against witnesses that lie.
 */
import {
  type Cosignature,
  formatAddCheckpointRequest,
  type NoteVerifier,
  parseAddCheckpointResponse,
  parseNote,
  parseSizeConflict,
  TlogError,
} from '@app/tlog';
import { WitnessError } from './errors.js';

/** An answer is a few signature lines; more would only fill memory. */
const MAX_ANSWER_BYTES = 64 * 1024;
/** Two daemons of one log may cross; a witness that keeps naming other sizes is at fault. */
const MAX_CONFLICTS = 3;

export interface AskedWitness {
  readonly name: string;
  readonly key: NoteVerifier;
  /** Submission prefix; the request goes to `<url>/add-checkpoint`. */
  readonly url?: string;
}

export interface CosignRequest {
  /** The note signed by the log. */
  readonly note: string;
  readonly treeSize: bigint;
  /** What the witness is thought to have cosigned last; 0 where nothing is known. */
  readonly oldSize: bigint;
  /** Consistency proof from a smaller size to `treeSize`. */
  proveConsistency(fromSize: bigint): Promise<readonly Uint8Array[]>;
}

export interface AskOptions {
  /** For each request; a slow witness counts as an absent one. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/**
 * The witness's verified cosignature.
 * @throws WitnessError `WITNESS_UNREACHABLE` (retryable), `WITNESS_REFUSED`, `WITNESS_ANSWER_INVALID`, `WITNESS_AHEAD`
 */
export async function askWitness(
  witness: AskedWitness,
  request: CosignRequest,
  options: AskOptions,
): Promise<Cosignature> {
  let { oldSize } = request;
  for (let conflicts = 0; ; conflicts += 1) {
    const answer = await post(witness, await bodyOf(witness, request, oldSize), options);
    if (answer.status === 200) return cosignatureIn(answer.body, witness, request);
    if (answer.status !== 409) throw refusal(witness, answer);
    const size = readConflict(witness, answer.body);
    if (conflicts === MAX_CONFLICTS || size === oldSize) {
      throw new WitnessError(
        'WITNESS_ANSWER_INVALID',
        `witness ${witness.name} keeps answering with sizes it does not mean`,
      );
    }
    oldSize = size;
  }
}

async function bodyOf(witness: AskedWitness, request: CosignRequest, oldSize: bigint): Promise<string> {
  const { note, treeSize } = request;
  if (oldSize > treeSize) {
    throw new WitnessError(
      'WITNESS_AHEAD',
      `witness ${witness.name} has cosigned ${oldSize} entries, this checkpoint has only ${treeSize}`,
      { retryable: true, details: { witnessed: oldSize.toString(), treeSize: treeSize.toString() } },
    );
  }
  const proof = oldSize === 0n || oldSize === treeSize ? [] : await request.proveConsistency(oldSize);
  return formatAddCheckpointRequest({ oldSize, proof, checkpoint: note });
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

async function post(witness: AskedWitness, body: string, { timeoutMs, signal }: AskOptions): Promise<Answer> {
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(`${witness.url?.replace(/\/$/, '')}/add-checkpoint`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      body,
      redirect: 'error',
      signal: signal ? AbortSignal.any([timeout, signal]) : timeout,
    });
    return { status: response.status, body: await limitedText(response) };
  } catch (cause) {
    const why = timeout.aborted ? `did not answer within ${timeoutMs} ms` : 'cannot be reached';
    throw new WitnessError('WITNESS_UNREACHABLE', `witness ${witness.name} ${why}`, {
      cause,
      retryable: true,
    });
  }
}

async function limitedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`the answer is above ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function cosignatureIn(body: string, witness: AskedWitness, { note }: CosignRequest): Cosignature {
  try {
    const [cosignature] = parseAddCheckpointResponse(body, parseNote(note).text, [witness.key]);
    return cosignature!;
  } catch (cause) {
    if (!(cause instanceof TlogError)) throw cause;
    throw new WitnessError(
      'WITNESS_ANSWER_INVALID',
      `witness ${witness.name} answered without a good cosignature: ${cause.message}`,
      { cause },
    );
  }
}

function readConflict(witness: AskedWitness, body: string): bigint {
  try {
    return parseSizeConflict(body);
  } catch (cause) {
    throw new WitnessError(
      'WITNESS_ANSWER_INVALID',
      `witness ${witness.name} answered a conflict without its size`,
      { cause },
    );
  }
}

/** What the statuses of the specification mean to the log's operator. */
const REFUSALS: Readonly<Record<number, string>> = {
  400: 'found the request malformed',
  403: 'does not accept the log’s signature',
  404: 'does not know the log',
  422: 'has seen another history of the log: the consistency proof does not hold',
};

function refusal(witness: AskedWitness, { status }: Answer): WitnessError {
  const known = REFUSALS[status];
  if (known) {
    return new WitnessError('WITNESS_REFUSED', `witness ${witness.name} ${known} (HTTP ${status})`, {
      details: { status },
    });
  }
  return new WitnessError('WITNESS_UNREACHABLE', `witness ${witness.name} failed with HTTP ${status}`, {
    retryable: true,
    details: { status },
  });
}
