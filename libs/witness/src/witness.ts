/**
 * The reference witness without its socket: a request body in, an answer out (C2SP tlog-witness v1.0.0). Check, durable
 * state and cosignature follow one another without a pause in between, so two requests can never both be first.
 * Proven by witness.spec.ts.
 */
import {
  type AcceptedCheckpoint,
  checkAddCheckpoint,
  formatAddCheckpointResponse,
  formatSizeConflict,
  type NoteSigner,
  parseAddCheckpointRequest,
  SIZE_CONFLICT_CONTENT_TYPE,
  TlogError,
  type TlogErrorCode,
} from '@app/tlog';
import type { KnownLogs } from './known-logs.js';
import type { WitnessState } from './witness-state.js';

export interface WitnessAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export interface WitnessParts {
  readonly logs: KnownLogs;
  readonly state: WitnessState;
  /** Type 04. */
  readonly cosigner: NoteSigner;
}

const TEXT = 'text/plain; charset=utf-8';

const STATUS_OF: Partial<Record<TlogErrorCode, number>> = {
  TLOG_WITNESS_MALFORMED: 400,
  TLOG_NOTE_MALFORMED: 400,
  TLOG_CHECKPOINT_MALFORMED: 400,
  TLOG_OUT_OF_RANGE: 400,
  TLOG_HASHES_MALFORMED: 422,
  TLOG_NOTE_UNSIGNED: 403,
  TLOG_NOTE_SIGNATURE_INVALID: 403,
  TLOG_WITNESS_LOG_UNKNOWN: 404,
  TLOG_WITNESS_CONFLICT: 409,
  TLOG_CONSISTENCY_BROKEN: 422,
  TLOG_WITNESS_FORK: 422,
};

export class Witness {
  constructor(private readonly parts: WitnessParts) {}

  /** @throws WitnessError `WITNESS_STATE_UNREADABLE`: then nothing is cosigned */
  addCheckpoint(body: Uint8Array): WitnessAnswer {
    const { logs, state, cosigner } = this.parts;
    let accepted: AcceptedCheckpoint;
    try {
      const request = parseAddCheckpointRequest(body);
      const { origin } = request.claimed;
      const verifiers = logs.verifiersFor(origin);
      // State is read for known logs only: a stranger cannot make this witness touch its disk.
      const latest = verifiers.length > 0 ? state.read(origin) : undefined;
      accepted = checkAddCheckpoint(request, verifiers, latest);
      if (latest?.treeSize !== accepted.treeSize) state.write(origin, accepted);
    } catch (error) {
      return answerTo(error);
    }
    return { status: 200, contentType: TEXT, body: formatAddCheckpointResponse(accepted.text, [cosigner]) };
  }
}

function answerTo(error: unknown): WitnessAnswer {
  const status = error instanceof TlogError ? STATUS_OF[error.code] : undefined;
  if (!(error instanceof TlogError) || status === undefined) throw error;
  if (status === 409) {
    const body = formatSizeConflict(BigInt(String(error.details['treeSize'])));
    return { status, contentType: SIZE_CONFLICT_CONTENT_TYPE, body };
  }
  return { status, contentType: TEXT, body: `${error.message}\n` };
}
