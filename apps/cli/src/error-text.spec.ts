import { statSync } from 'node:fs';
import { expect, it } from 'vitest';
import { errorText } from './error-text.js';
import { CliError } from './errors.js';

it('tells a coded error in one line, with the file and what the system said of it', () => {
  expect(errorText(new CliError('CLI_FILE_EMPTY', 'x has no line'))).toBe('CLI_FILE_EMPTY: x has no line');
  let cause: unknown;
  try {
    statSync('/nowhere/vault.keys');
  } catch (error) {
    cause = error;
  }
  expect(errorText(new CliError('CLI_FILE_UNREADABLE', 'no keys', { cause }))).toBe(
    "CLI_FILE_UNREADABLE: no keys (ENOENT: no such file or directory, stat '/nowhere/vault.keys')",
  );
});

it('keeps other causes to itself, and shows the stack of a bug', () => {
  const cause = new Error('inside');
  expect(errorText(new CliError('CLI_FILE_EMPTY', 'x', { cause }))).toBe('CLI_FILE_EMPTY: x');
  expect(errorText(cause)).toContain('error-text.spec.ts');
});
