/** What host and child say to each other over the IPC channel, in structured clones; the numbers of batches go beside it. */
import type { Backend, BackendCheck } from '../backends.js';
import { InferenceError, type InferenceErrorCode } from '../errors.js';
import type { LocalSource } from '../local/load-local-runtime.js';
import type { LocalOptions } from '../local/local-options.js';
import type { SignalKind } from '../recorded/row-reader.js';
import type { ModelDescription } from '../runtime.js';
import type { BatchHead } from './batch-bytes.js';

/** Descriptor of the pipe for the numbers of batches, in the child: behind the standard ones and the IPC channel. */
export const BATCH_PIPE = 4;

export type Request =
  | { readonly type: 'load'; readonly source: LocalSource; readonly options: LocalOptions }
  | { readonly type: 'check'; readonly backend: Backend; readonly options: LocalOptions }
  | {
      readonly type: 'signals';
      readonly id: number;
      readonly batch: BatchHead;
      readonly signalKind: SignalKind;
    };

export type Reply =
  | { readonly type: 'loaded'; readonly backend: string; readonly description: ModelDescription }
  | { readonly type: 'checked'; readonly check: BackendCheck }
  | { readonly type: 'notLoaded'; readonly error: WireError }
  | { readonly type: 'signals'; readonly id: number; readonly signals: Float64Array }
  | { readonly type: 'failed'; readonly id: number; readonly error: WireError };

interface WireError {
  readonly code: InferenceErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  readonly details: InferenceError['details'];
}

export function toWire(error: InferenceError): WireError {
  const { code, message, retryable, details } = error;
  return { code, message, retryable, details };
}

export function fromWire({ code, message, retryable, details }: WireError): InferenceError {
  return new InferenceError(code, message, { retryable, details });
}
