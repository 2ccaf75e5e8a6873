import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { newVaultKeyText, parseVaultKeys, VaultKeyRing } from './key-ring.js';

const directory = mkdtempSync(join(tmpdir(), 'lacuna-vault-keys-'));
afterAll(() => rmSync(directory, { recursive: true }));

let written = 0;
function write(path: string, text: string): void {
  writeFileSync(path, text);
  written += 1;
  utimesSync(path, written, written);
}

describe('the text of a key file', () => {
  const hex = 'ab'.repeat(32);

  it('may be base64 or hexadecimal, with comments', () => {
    const base64 = Buffer.from(hex, 'hex').toString('base64');
    const [one, other] = parseVaultKeys(`# active\n${hex}\n\n${base64}\r\n`);
    expect(one?.key).toEqual(Buffer.from(hex, 'hex'));
    expect(other).toEqual(one);
    expect(one?.keyId).toMatch(/^[0-9a-f]{16}$/);
  });

  it.each([
    ['no key', '\n# nothing\n', {}],
    ['a short key', `${hex}\nabcd\n`, { line: 2 }],
    ['a key with a stray character', `${hex.slice(1)}g`, { line: 1 }],
  ])('with %s is refused without quoting it', (_name, text, details) => {
    let error: unknown;
    try {
      parseVaultKeys(text);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: 'VAULT_KEY_UNUSABLE', details });
    expect(String(error)).not.toContain('abab');
  });

  it('is made with a new key each time', () => {
    const [one, other] = [newVaultKeyText(), newVaultKeyText()].flatMap(parseVaultKeys);
    expect(one?.key).not.toEqual(other?.key);
  });
});

describe('a key ring', () => {
  it('follows its file: the first line is active, the others are found', () => {
    const path = join(directory, 'ring');
    const [old, fresh] = [newVaultKeyText(), newVaultKeyText()];
    write(path, old);
    const ring = new VaultKeyRing(path);
    const before = ring.active();
    write(path, fresh + old);
    expect(ring.active().keyId).not.toBe(before.keyId);
    expect(ring.find(before.keyId).key).toEqual(before.key);
    expect(ring.all()).toHaveLength(2);
  });

  it('finds a key that came after it was read, and names one that it has not', () => {
    const path = join(directory, 'late');
    const [first, second] = [newVaultKeyText(), newVaultKeyText()];
    write(path, first);
    const ring = new VaultKeyRing(path);
    ring.active();
    const { keyId } = parseVaultKeys(second)[0]!;
    expect(() => ring.find(keyId)).toThrowError(
      expect.objectContaining({ code: 'VAULT_KEY_MISSING', retryable: true, details: { keyId } }),
    );
    write(path, first + second);
    expect(ring.find(keyId).keyId).toBe(keyId);
  });

  it('without a file is refused when a key is needed, not before', () => {
    const ring = new VaultKeyRing(join(directory, 'absent'));
    expect(() => ring.active()).toThrowError(expect.objectContaining({ code: 'VAULT_KEY_UNUSABLE' }));
  });
});
