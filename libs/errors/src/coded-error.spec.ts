import { describe, expect, it } from 'vitest';
import { CodedError, invariant, InvariantViolation } from './index.js';

class DoorError extends CodedError<'DOOR_CLOSED'> {}

describe('CodedError', () => {
  it('carries code, cause, retryability and details', () => {
    const cause = new Error('hinge');
    const error = new DoorError('DOOR_CLOSED', 'the door is closed; open it', {
      cause,
      retryable: true,
      details: { line: 3 },
    });
    expect(error).toMatchObject({
      name: 'DoorError',
      code: 'DOOR_CLOSED',
      cause,
      retryable: true,
      details: { line: 3 },
    });
  });

  it('is not retryable unless said', () => {
    expect(new DoorError('DOOR_CLOSED', 'closed').retryable).toBe(false);
  });
});

describe('invariant', () => {
  it('throws only when the condition fails', () => {
    invariant(true, 'fine');
    expect(() => invariant(false, 'broken')).toThrow(InvariantViolation);
  });
});
