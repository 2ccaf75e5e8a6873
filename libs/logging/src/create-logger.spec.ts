import { CodedError } from '@app/errors';
import { describe, expect, it } from 'vitest';
import { createLogger } from './create-logger.js';
import { PinoLoggerService } from './pino-logger.service.js';

function logged(write: (logger: ReturnType<typeof createLogger>) => void, level = 'info') {
  const lines: string[] = [];
  write(createLogger({ name: 'test', level }, { write: (line) => void lines.push(line) }));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

class DoorError extends CodedError<'DOOR_CLOSED'> {}

describe('createLogger', () => {
  it('writes one JSON line with time, level and name', () => {
    const [line] = logged((logger) => logger.info({ route: '/x' }, 'request'));
    expect(line).toMatchObject({ level: 'info', name: 'test', route: '/x', msg: 'request' });
    expect(new Date(line!['time'] as string).toISOString()).toBe(line!['time']);
  });

  it('keeps secrets and samples out, at any depth that is logged', () => {
    const lines = logged((logger) => {
      logger.info({ authorization: 'hush', request: { headers: { authorization: 'hush', cookie: 'hush' } } });
      logger.info({ variables: { input: 'hush' }, body: { samples: ['hush'] }, token: 'hush' });
    });
    expect(JSON.stringify(lines)).not.toContain('hush');
    expect(JSON.stringify(lines)).toContain('[redacted]');
  });

  it('writes of an error what it is, and of its causes, but not what it carries', () => {
    const cause = Object.assign(new Error('insert failed'), { parameters: ['hush'], code: '23505' });
    const [line] = logged((logger) =>
      logger.error({ err: new DoorError('DOOR_CLOSED', 'closed', { cause }) }, 'oh'),
    );
    expect(line!['err']).toMatchObject({
      type: 'DoorError',
      code: 'DOOR_CLOSED',
      message: 'closed',
      cause: { code: '23505', message: 'insert failed' },
    });
    expect(JSON.stringify(line)).not.toContain('hush');
  });

  it('ends at causes that go round', () => {
    const error = new Error('round');
    error.cause = error;
    expect(logged((logger) => logger.error({ err: error }))).toHaveLength(1);
  });
});

describe('PinoLoggerService', () => {
  it('passes Nest’s messages on with their context, the chatty ones as debug', () => {
    const lines = logged((logger) => {
      const service = new PinoLoggerService(logger);
      service.log('mapped a route', 'RouterExplorer');
      service.error(new Error('broken'), 'stack', 'Injector');
      service.warn({ some: 'facts' }, 'Scope');
    });
    expect(lines).toMatchObject([
      { level: 'error', context: 'Injector', msg: 'broken' },
      { level: 'warn', context: 'Scope', facts: { some: 'facts' } },
    ]);
  });
});
