import { mkdtempSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readOrCreateSecret } from './secret-file.js';

const directory = () => mkdtempSync(join(tmpdir(), 'lacuna-secret-'));

describe('readOrCreateSecret', () => {
  it('makes the file once, for its owner only, and leaves nothing else behind', () => {
    const place = join(directory(), 'keys');
    const path = join(place, 'key.pem');
    expect(readOrCreateSecret(path, () => 'first')).toEqual({ text: 'first', created: true });
    expect(readOrCreateSecret(path, () => 'second')).toEqual({ text: 'first', created: false });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(place)).toEqual(['key.pem']);
  });

  it('returns the winner’s secret to the one who came second', () => {
    const path = join(directory(), 'key.pem');
    const made = readOrCreateSecret(path, () => {
      writeFileSync(path, 'winner');
      return 'loser';
    });
    expect(made).toEqual({ text: 'winner', created: false });
  });

  it('refuses a place it cannot use', () => {
    const file = join(directory(), 'file');
    writeFileSync(file, '');
    expect(() => readOrCreateSecret(join(file, 'key.pem'), () => 'x')).toThrow(
      expect.objectContaining({ code: 'SECRET_FILE_UNUSABLE' }),
    );
  });
});
