/**
 * The one error shape of the house: a stable code for programs, a sentence for people, a cause for logs.
 * Callers switch on `code`, never on `message`. Messages say what was wrong and what to do, and hold no
 * sample content, key or token. Proven by coded-error.spec.ts.
 */
export interface CodedErrorOptions {
  readonly cause?: unknown;
  /** True when the same call may succeed later without any change by the caller. */
  readonly retryable?: boolean;
  /** Small machine-readable facts (line number, needed size); never content. */
  readonly details?: Readonly<Record<string, string | number | boolean>>;
}

export abstract class CodedError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, string | number | boolean>>;

  constructor(code: Code, message: string, options: CodedErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.details = options.details ?? {};
  }
}
