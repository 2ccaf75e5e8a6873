import { describe, expect, it } from 'vitest';
import { isConnectionLoss } from './connection-loss.js';

const failure = (facts: object, cause?: unknown): Error => Object.assign(new Error('x', { cause }), facts);

describe('isConnectionLoss', () => {
  it.each([
    ['ended under a query', { code: 'CONNECTION_CLOSED' }],
    ['never made', { code: 'CONNECT_TIMEOUT' }],
    ['socket file gone', { code: 'ENOENT', syscall: 'connect' }],
    ['write to a dead server', { code: 'EPIPE', syscall: 'write' }],
    ['administrator', { code: '57P01' }],
    ['crash of another server process', { code: '57P02' }],
    ['starting up', { code: '57P03' }],
    ['connection exception', { code: '08006' }],
  ])('sees %s', (_name, facts) => {
    expect(isConnectionLoss(failure(facts))).toBe(true);
    expect(isConnectionLoss(failure({}, failure(facts)))).toBe(true);
  });

  it.each([
    ['a unique violation', { code: '23505' }],
    ['a cancelled statement', { code: '57014' }],
    ['a deadlock', { code: '40P01' }],
    ['a file that is not there', { code: 'ENOENT', syscall: 'open' }],
    ['a value that cannot be sent', { code: 'UNDEFINED_VALUE' }],
    ['no code', {}],
  ])('does not take %s for one', (_name, facts) => {
    expect(isConnectionLoss(failure(facts))).toBe(false);
  });

  it('does not take anything else for one', () => {
    for (const other of [undefined, null, 'CONNECTION_CLOSED', { code: 'CONNECTION_CLOSED' }])
      expect(isConnectionLoss(other)).toBe(false);
  });
});
