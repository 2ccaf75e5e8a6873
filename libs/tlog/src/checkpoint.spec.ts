import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatCheckpoint, openCheckpoint, parseCheckpoint, signCheckpoint } from './checkpoint.js';
import { createEd25519Signer } from './ed25519.js';
import { EMPTY_ROOT } from './hash.js';
import { signNote } from './signed-note.js';
import { createVerifierKey } from './verifier-key.js';

const example = 'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n';
const root = EMPTY_ROOT;
const withCode = (code: string) => expect.objectContaining({ name: 'TlogError', code }) as Error;

describe('checkpoint text', () => {
  it('reads and writes the specification’s example', () => {
    const checkpoint = parseCheckpoint(example);
    expect(checkpoint).toMatchObject({ origin: 'example.com/behind-the-sofa', treeSize: 20852163n });
    expect(formatCheckpoint(checkpoint)).toBe(example);
  });

  it('round-trips any size, root and extension', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.array(
          fc.string({ minLength: 1 }).filter((line) => !/\p{Cc}/u.test(line)),
          { minLength: 1 },
        ),
        (treeSize, rootHash, [origin = '', ...more]) => {
          const checkpoint = { origin, treeSize, rootHash, ...(more.length > 0 ? { extensions: more } : {}) };
          expect(parseCheckpoint(formatCheckpoint(checkpoint))).toEqual(checkpoint);
        },
      ),
      { seed: 12 },
    );
  });

  it.each([
    ['no final newline', example.slice(0, -1)],
    ['an empty origin', example.replace(/^.*\n/, '\n')],
    ['two lines', 'origin\n5\n'],
    ['a leading zero', example.replace('20852163', '020852163')],
    ['a sign', example.replace('20852163', '+20852163')],
    ['a negative size', example.replace('20852163', '-1')],
    ['a hexadecimal size', example.replace('20852163', '0x10')],
    ['a size of 2^63', example.replace('20852163', '9223372036854775808')],
    ['a size of 40 digits', example.replace('20852163', '1'.repeat(40))],
    ['a trailing space', example.replace('20852163', '20852163 ')],
    ['a short root', example.replace(/[^\n]*=\n$/, 'AAAA\n')],
    ['a root without padding', example.replace('=', '')],
    ['an empty extension line', `${example}\n`],
    ['a carriage return', example.replaceAll('\n', '\r\n')],
  ])('with %s is refused', (_, text) => {
    expect(() => parseCheckpoint(text)).toThrow(withCode('TLOG_CHECKPOINT_MALFORMED'));
  });

  it.each([
    ['an empty origin', { origin: '', treeSize: 1n, rootHash: root }, 'TLOG_CHECKPOINT_MALFORMED'],
    [
      'a newline in the origin',
      { origin: 'a\nb', treeSize: 1n, rootHash: root },
      'TLOG_CHECKPOINT_MALFORMED',
    ],
    ['a short root', { origin: 'a', treeSize: 1n, rootHash: root.slice(1) }, 'TLOG_CHECKPOINT_MALFORMED'],
    ['a negative size', { origin: 'a', treeSize: -1n, rootHash: root }, 'TLOG_OUT_OF_RANGE'],
    [
      'an empty extension',
      { origin: 'a', treeSize: 1n, rootHash: root, extensions: [''] },
      'TLOG_CHECKPOINT_MALFORMED',
    ],
  ])('cannot be made with %s', (_, checkpoint, code) => {
    expect(() => formatCheckpoint(checkpoint)).toThrow(withCode(code));
  });
});

describe('signed checkpoints', () => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const signer = createEd25519Signer('lacuna.example/m1/commitments', privateKey);
  const verifier = createVerifierKey(signer);
  const checkpoint = { origin: signer.name, treeSize: 12n, rootHash: root };

  it('open for their origin only', () => {
    const note = signCheckpoint(checkpoint, [signer]);
    expect(openCheckpoint(note, verifier, signer.name)).toMatchObject(checkpoint);
    expect(() => openCheckpoint(note, verifier, 'lacuna.example/m2/commitments')).toThrow(
      withCode('TLOG_CHECKPOINT_ORIGIN_MISMATCH'),
    );
  });

  it('are refused when changed, when signed by another key, and when the note is no checkpoint', () => {
    const note = signCheckpoint(checkpoint, [signer]);
    expect(() => openCheckpoint(note.replace('\n12\n', '\n13\n'), verifier, signer.name)).toThrow(
      withCode('TLOG_NOTE_SIGNATURE_INVALID'),
    );
    const other = createEd25519Signer(signer.name, generateKeyPairSync('ed25519').privateKey);
    expect(() => openCheckpoint(signCheckpoint(checkpoint, [other]), verifier, signer.name)).toThrow(
      withCode('TLOG_NOTE_UNSIGNED'),
    );
    expect(() => openCheckpoint(signNote('hello\n', [signer]), verifier, signer.name)).toThrow(
      withCode('TLOG_CHECKPOINT_MALFORMED'),
    );
  });
});
