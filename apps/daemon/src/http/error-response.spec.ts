import { NotFoundException } from '@nestjs/common';
import { AccessError } from '@app/access';
import { InvariantViolation } from '@app/errors';
import { InferenceError } from '@app/inference';
import { LedgerError } from '@app/ledger';
import { PersistenceError } from '@app/persistence';
import { RegistryError } from '@app/registry';
import { VerificationError } from '@app/verification';
import { describe, expect, it } from 'vitest';
import { DaemonError } from '../errors.js';
import { publicError } from './error-response.js';

describe('publicError', () => {
  it.each([
    [new AccessError('AUTH_TOKEN_MISSING', 'm'), 401],
    [new AccessError('AUTH_TOKEN_EXPIRED', 'm'), 401],
    [new AccessError('AUTH_ROLE_MISSING', 'm'), 403],
    [new AccessError('AUTH_KEYS_UNAVAILABLE', 'm', { retryable: true }), 503],
    [new RegistryError('REGISTRY_NOT_FOUND', 'm'), 404],
    [new InferenceError('RECORDING_NOT_FOUND', 'm'), 404],
    [new VerificationError('VERIFICATION_UNKNOWN', 'm'), 404],
    [new VerificationError('VERIFICATION_ATTESTATION_UNKNOWN', 'm'), 404],
    [new VerificationError('VERIFICATION_NOT_ATTESTED', 'm', { retryable: true }), 404],
    [new LedgerError('LEDGER_INDEX_UNKNOWN', 'm'), 404],
    [new LedgerError('LEDGER_IDEMPOTENCY_CONFLICT', 'm'), 409],
    [new RegistryError('REGISTRY_NAME_TAKEN', 'm'), 409],
    [new RegistryError('REGISTRY_SETS_OVERLAP', 'm'), 409],
    [new VerificationError('VERIFICATION_PROFILE_EXISTS', 'm'), 409],
    [new InferenceError('RECORDING_TOO_LARGE', 'm'), 413],
    [new InferenceError('RECORDING_MALFORMED_LINE', 'm', { details: { line: 7 } }), 422],
    [new RegistryError('REGISTRY_UNKNOWN_SAMPLE', 'm'), 422],
    [new VerificationError('VERIFICATION_SIGNALS_MISSING', 'm'), 422],
    [new LedgerError('LEDGER_OVERLOADED', 'm', { retryable: true }), 503],
    [new DaemonError('REQUEST_MALFORMED', 'm'), 400],
  ])('passes %s on with its status', (error, status) => {
    const { code, message, retryable, details } = error;
    expect(publicError(error, 'c')).toEqual({ status, code, message, retryable, details, internal: false });
  });

  it.each([
    ['a plain error', new Error('select secret from samples')],
    ['a broken assumption', new InvariantViolation('secret')],
    ['a database that is down', new PersistenceError('PERSISTENCE_NOT_RUNNING', 'secret')],
    ['a ledger that was rewritten', new LedgerError('LEDGER_FORKED', 'secret')],
    ['corrupt results', new VerificationError('VERIFICATION_RESULTS_CORRUPT', 'secret')],
    ['something that is no error', 'secret'],
  ])('keeps %s to the log', (_what, error) => {
    const answer = publicError(error, 'trace-1');
    expect(answer).toMatchObject({ status: 500, code: 'INTERNAL', internal: true });
    expect(JSON.stringify(answer)).not.toContain('secret');
    expect(answer.message).toContain('trace-1');
  });

  it.each([
    [new NotFoundException('Cannot GET /secret'), 404, 'NOT_FOUND'],
    [Object.assign(new Error('secret'), { statusCode: 413 }), 413, 'REQUEST_TOO_LARGE'],
    [Object.assign(new Error('secret'), { statusCode: 415 }), 415, 'REQUEST_UNSUPPORTED_MEDIA_TYPE'],
    [Object.assign(new Error('secret'), { statusCode: 400 }), 400, 'REQUEST_MALFORMED'],
  ])('says in its own words what the framework refused', (error, status, code) => {
    const answer = publicError(error, 'c');
    expect(answer).toMatchObject({ status, code, internal: false });
    expect(answer.message).not.toContain('secret');
  });
});
