import { createLogger } from '@app/logging';
import { RegistryError } from '@app/registry';
import { GraphQLError, parse } from 'graphql';
import { beforeEach, describe, expect, it } from 'vitest';
import { Metrics } from '../operations/metrics.js';
import { formatErrors } from './error-formatter.js';

let lines: string[];
let metrics: Metrics;

beforeEach(() => {
  lines = [];
  metrics = new Metrics();
});

const thrown = (originalError: Error, path = ['release']) =>
  new GraphQLError(originalError.message, { originalError, path });

function answer(data: Record<string, unknown> | null | undefined, ...errors: GraphQLError[]) {
  const logger = createLogger({ name: 'test', level: 'info' }, { write: (line) => void lines.push(line) });
  const execution = { errors, ...(data === undefined ? {} : { data }) };
  return formatErrors(execution, 'trace-1', { logger, metrics });
}

const counted = async () =>
  Object.fromEntries(
    (await metrics.graphqlErrors.get()).values.map(({ labels, value }) => [String(labels['code']), value]),
  );

describe('errors of GraphQL', () => {
  it('keep to the log what is not meant for callers, and give them an id to ask with', async () => {
    const { response, statusCode } = answer(
      { release: null },
      thrown(new Error('select secret from samples')),
    );
    expect(response.errors).toEqual([
      expect.objectContaining({
        message: expect.stringContaining('trace-1') as string,
        path: ['release'],
        extensions: expect.objectContaining({ code: 'INTERNAL' }) as object,
      }),
    ]);
    expect(JSON.stringify(response)).not.toContain('secret');
    expect(JSON.stringify(response)).not.toContain('stack');
    expect(statusCode).toBe(200);
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0]!)).toMatchObject({
      level: 'error',
      correlationId: 'trace-1',
      path: ['release'],
    });
    expect(await counted()).toEqual({ INTERNAL: 1 });
  });

  it('pass on what is, with code, retryable and details, and do not log it', async () => {
    const error = new RegistryError('REGISTRY_NAME_TAKEN', 'taken', { details: { name: 'a' } });
    const { response } = answer({ release: null }, thrown(error));
    expect(response.errors).toEqual([
      expect.objectContaining({
        message: 'taken',
        extensions: { code: 'REGISTRY_NAME_TAKEN', retryable: false, details: { name: 'a' } },
      }),
    ]);
    expect(lines).toEqual([]);
    expect(await counted()).toEqual({ REGISTRY_NAME_TAKEN: 1 });
  });

  it('are one each where several come in one', () => {
    const inner = [new GraphQLError('no field a'), new GraphQLError('no field b')];
    const together = new GraphQLError('validation', {
      originalError: Object.assign(new Error(), { errors: inner }),
    });
    const { response, statusCode } = answer(undefined, together);
    expect(response.errors?.map(({ message }) => message)).toEqual(['no field a', 'no field b']);
    expect(response.errors?.every(({ extensions }) => extensions['code'] === 'GRAPHQL_INVALID')).toBe(true);
    expect(statusCode).toBe(400);
  });

  it('say where in the query they are', () => {
    const source = '{\n  nonsense\n}';
    const nodes = parse(source).definitions;
    const { response } = answer(undefined, new GraphQLError('no such field', { nodes }));
    expect(response.errors?.[0]?.locations).toEqual([{ line: 1, column: 1 }]);
  });
});
