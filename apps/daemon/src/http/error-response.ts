/**
 * From any error to what a caller may know of it. Coded errors of the libs that answer callers pass with code, message
 * and details; everything else is ours to look into: a correlation id out, the rest into the log.
 * Proven by error-response.spec.ts.
 */
import { HttpException } from '@nestjs/common';
import { CodedError } from '@app/errors';
import { isConnectionLoss } from '@app/persistence';

export interface PublicError {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, string | number | boolean>>;
  /** True when the log must have the error itself. */
  readonly internal: boolean;
}

/** Code to HTTP status; the first row that fits decides. Codes of no row are internal. */
const STATUS_OF_CODE: readonly (readonly [RegExp, number])[] = [
  [/^AUTH_ROLE_MISSING$/, 403],
  [/^AUTH_TOKEN_/, 401],
  [/^(AUTH_KEYS_UNAVAILABLE|LEDGER_(OVERLOADED|STOPPING|NOT_INTEGRATED))$/, 503],
  [
    /^(REGISTRY_CONTENDED|VERIFICATION_CHECKPOINT_MISSING|VERIFICATION_ATTESTATION_RACE|VAULT_KEY_MISSING|VAULT_KEY_UNUSABLE)$/,
    503,
  ],
  [/^(REGISTRY|RECORDING|ARTIFACT|VERIFICATION|LEDGER)_(\w+_)?(NOT_FOUND|UNKNOWN|NOT_ATTESTED)$/, 404],
  [/^(NOT_FOUND|TLOG_OUT_OF_RANGE|TLOG_TILE_PATH_MALFORMED)$/, 404],
  [
    /^(LEDGER_IDEMPOTENCY_CONFLICT|REGISTRY_IMPORT_CONFLICT|REGISTRY_RELEASE_(WITHDRAWN|SUPERSEDED)|VAULT_ITEM_BROKEN|(REGISTRY|VERIFICATION)_\w+_(TAKEN|EXISTS|MISMATCH|OVERLAP))$/,
    409,
  ],
  [/^(LEDGER_CONTENT_ERASED|VERIFICATION_REQUEST_ERASED)$/, 410],
  [/^(RECORDING|REGISTRY_IMPORT|REQUEST|ARTIFACT|SAMPLE_UPLOAD|VAULT_PAYLOAD)_TOO_LARGE$/, 413],
  [/^REQUEST_UNSUPPORTED_MEDIA_TYPE$/, 415],
  [/^(REQUEST|GRAPHQL)_/, 400],
  [/^(REGISTRY|RECORDING|SAMPLE|IAM)_|^ARTIFACT_(?!CONTENT)|^VERIFICATION_(?!\w*CORRUPT)/, 422],
];

/** The database is away or coming back: whether a registration took place is told by sending it again with its key. */
const UNAVAILABLE: PublicError = {
  status: 503,
  code: 'DATABASE_UNAVAILABLE',
  message: 'the database is not available at the moment; try again with the same idempotency key',
  retryable: true,
  details: {},
  internal: false,
};

const INTERNAL = {
  status: 500,
  code: 'INTERNAL',
  retryable: false,
  details: {},
  internal: true,
} as const;

export function publicError(error: unknown, correlationId: string): PublicError {
  if (isCoded(error)) {
    const { code, message, retryable, details } = error;
    const status = STATUS_OF_CODE.find(([pattern]) => pattern.test(code))?.[1];
    if (status !== undefined) return { status, code, message, retryable, details, internal: false };
  }
  if (isConnectionLoss(error)) return UNAVAILABLE;
  return fromFramework(error) ?? { ...INTERNAL, message: `internal error; its trace is ${correlationId}` };
}

const isCoded = (error: unknown): error is CodedError => error instanceof CodedError;

/** What Nest and Fastify refuse by themselves: unknown routes, malformed JSON, oversized bodies. */
function fromFramework(error: unknown): PublicError | undefined {
  const status =
    error instanceof HttpException
      ? error.getStatus()
      : (error as { statusCode?: unknown } | null)?.statusCode;
  if (typeof status !== 'number' || status < 400 || status >= 500) return undefined;
  const [code, message] =
    FRAMEWORK_ANSWERS[status] ?? (['REQUEST_MALFORMED', 'the request is malformed'] as const);
  return { status, code, message, retryable: status === 408 || status === 429, details: {}, internal: false };
}

const FRAMEWORK_ANSWERS: Readonly<Record<number, readonly [string, string]>> = {
  404: ['NOT_FOUND', 'there is nothing at this address'],
  413: ['REQUEST_TOO_LARGE', 'the body is larger than this route accepts'],
  415: ['REQUEST_UNSUPPORTED_MEDIA_TYPE', 'this route does not read that content type'],
};
