import { describe, expect, it } from 'vitest';
import { loadConfig } from './load-config.js';

const refusal = (environment: Record<string, string>) => {
  try {
    loadConfig(environment);
  } catch (error) {
    return error;
  }
  return undefined;
};

describe('loadConfig', () => {
  it('fills in defaults and freezes the result', () => {
    const config = loadConfig({ PATH: '/bin' });
    expect(config.LACUNA_HOST).toBe('127.0.0.1');
    expect(config.LACUNA_PORT).toBe(4466);
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('treats an empty value as not set', () => {
    expect(loadConfig({ LACUNA_DATABASE_URL: '' }).LACUNA_DATABASE_URL).toBeUndefined();
  });

  it('reads a list, whose default is all of it', () => {
    expect(loadConfig({}).LACUNA_INFERENCE_BACKENDS).toHaveLength(7);
    const { LACUNA_INFERENCE_BACKENDS } = loadConfig({ LACUNA_INFERENCE_BACKENDS: 'tfjs-wasm, onnx-cpu' });
    expect(LACUNA_INFERENCE_BACKENDS).toEqual(['tfjs-wasm', 'onnx-cpu']);
  });

  it('refuses an unknown name, naming it', () => {
    expect(refusal({ LACUNA_DATABSE_URL: 'x' })).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('LACUNA_DATABSE_URL is not a setting') as string,
    });
  });

  it.each([
    ['LACUNA_PORT', '70000'],
    ['LACUNA_PORT', '-1'],
    ['LACUNA_PORT', '1e3'],
    ['LACUNA_DATABASE_URL', 'localhost:5432/lacuna'],
    ['LACUNA_DATABASE_URL', 'mysql://localhost/lacuna'],
    ['LACUNA_LOG_LEVEL', 'loud'],
    ['LACUNA_LEDGER_NAME', 'two words'],
    ['LACUNA_GRAPHIQL', 'yes'],
    ['LACUNA_INFERENCE_BACKENDS', 'onnx-cpu,abacus'],
  ])('refuses %s=%s', (name, value) => {
    expect(refusal({ [name]: value })).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(name) as string,
    });
  });
});
