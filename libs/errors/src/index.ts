export { CodedError, type CodedErrorOptions } from './coded-error.js';
export { invariant, InvariantViolation } from './invariant.js';
