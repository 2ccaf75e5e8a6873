import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCosigner } from './cosignature.js';
import { createEd25519Signer } from './ed25519.js';
import { SIGNATURE_TYPES } from './signature-type.js';
import { addNoteSignatures, formatNote, openNote, parseNote, signNote } from './signed-note.js';
import { createVerifierKey, formatVerifierKey, parseVerifierKey } from './verifier-key.js';

/** An Ed25519 private key from its 32-byte seed (RFC 8410 PKCS #8 prefix). */
function keyOfSeed(seed: Uint8Array) {
  const prefix = Buffer.from('302e020100300506032b657004220420', 'hex');
  return createPrivateKey({ key: Buffer.concat([prefix, seed]), format: 'der', type: 'pkcs8' });
}

const alice = createEd25519Signer('example.com/alice', keyOfSeed(Buffer.alloc(32, 1)));
const bob = createEd25519Signer('example.com/bob', keyOfSeed(Buffer.alloc(32, 2)));
const aliceKey = createVerifierKey(alice);
const bobKey = createVerifierKey(bob);
const withCode = (code: string) => expect.objectContaining({ name: 'TlogError', code }) as Error;

describe('the specification’s example', () => {
  const vkey = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
  const note =
    'This is an example message.\n\n' +
    '— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n';

  it('opens', () => {
    const { text, verified, unverified } = openNote(note, [parseVerifierKey(vkey)]);
    expect(text).toBe('This is an example message.\n');
    expect(verified.map(({ name, keyId }) => [name, keyId])).toEqual([['example.com/foo', 0x530d903a]]);
    expect(unverified).toEqual([]);
    expect(openNote(Buffer.from(note), [parseVerifierKey(vkey)]).text).toBe(text);
  });

  it('is written back byte for byte', () => {
    expect(formatNote(parseNote(note))).toBe(note);
    expect(formatVerifierKey(parseVerifierKey(vkey))).toBe(vkey);
  });
});

describe('the example of golang.org/x/mod/sumdb/note', () => {
  // Key and note of that package's documentation (BSD-3-Clause).
  const seed = Buffer.from('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz', 'base64').subarray(1);
  const vkey = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';

  it('is signed to the same bytes', () => {
    const signer = createEd25519Signer('PeterNeumann', keyOfSeed(seed));
    expect(formatVerifierKey(signer)).toBe(vkey);
    expect(
      signNote(
        "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n",
        [signer],
      ),
    ).toBe(
      "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n" +
        '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n',
    );
  });
});

describe('signing and opening', () => {
  it('round-trips any text, and any flipped character is refused', () => {
    const line = fc
      .string({ unit: 'grapheme', maxLength: 20 })
      .filter((text) => !/[\p{Cc}\p{Cs}]/u.test(text));
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 6 }), fc.nat(), (lines, at) => {
        const text = `${lines.join('\n')}\n`;
        const note = signNote(text, [alice, bob]);
        const opened = openNote(note, [aliceKey, bobKey]);
        expect(opened.text).toBe(text);
        expect(opened.verified.map(({ name }) => name)).toEqual([alice.name, bob.name]);
        const bytes = Buffer.from(note);
        bytes[at % bytes.length]! ^= 1 << (at % 7);
        expect(() => {
          const { text: forged, verified } = openNote(bytes, [aliceKey, bobKey]);
          // A flip in one signature's name or key id makes that one unknown; the other still covers the text.
          if (forged === text && verified.length === 1) throw new Error('one signature is left');
        }).toThrow();
      }),
      { seed: 11, numRuns: 300 },
    );
  });

  it('splits at the last blank line', () => {
    const text = 'a\n\n— example.com/alice AAAAAAA=\n\n\n';
    expect(openNote(signNote(text, [alice]), [aliceKey]).text).toBe(text);
  });

  it('ignores unknown keys, also those that share a name or a key id', () => {
    const note = parseNote(signNote('text\n', [alice]));
    const signature = Uint8Array.of(1, 2, 3);
    const strangers = [
      { name: alice.name, keyId: alice.keyId ^ 1, signature },
      { name: 'other', keyId: alice.keyId, signature },
    ];
    const mixed = formatNote({ text: note.text, signatures: [...strangers, ...note.signatures] });
    const { verified, unverified } = openNote(mixed, [aliceKey]);
    expect(verified).toEqual(note.signatures);
    expect(unverified).toEqual(strangers);
  });

  it('refuses a note in which a known key’s signature is wrong, even beside a right one', () => {
    const note = parseNote(signNote('text\n', [alice, bob]));
    const [first, second] = note.signatures;
    const broken = { ...first!, signature: first!.signature.map((byte, i) => (i === 0 ? byte ^ 1 : byte)) };
    for (const signatures of [
      [broken, second!],
      [first!, broken, second!],
    ]) {
      const forged = formatNote({ text: note.text, signatures });
      expect(() => openNote(forged, [aliceKey, bobKey])).toThrow(withCode('TLOG_NOTE_SIGNATURE_INVALID'));
      expect(openNote(forged, [bobKey]).verified).toEqual([second]);
    }
  });

  it('asks every key of a colliding name and key id', () => {
    const note = signNote('text\n', [alice]);
    const colliding = { ...bobKey, name: alice.name, keyId: alice.keyId };
    expect(() => openNote(note, [aliceKey, colliding])).toThrow(withCode('TLOG_NOTE_SIGNATURE_INVALID'));
  });

  it('refuses a note that no known key signed', () => {
    const note = signNote('text\n', [alice]);
    expect(() => openNote(note, [bobKey])).toThrow(withCode('TLOG_NOTE_UNSIGNED'));
    expect(() => openNote(note, [])).toThrow(withCode('TLOG_NOTE_UNSIGNED'));
  });

  it('reports an equal signature line once', () => {
    const note = parseNote(signNote('text\n', [alice]));
    const doubled = formatNote({ text: note.text, signatures: [...note.signatures, ...note.signatures] });
    expect(openNote(doubled, [aliceKey]).verified).toEqual(note.signatures);
    expect(addNoteSignatures(doubled, note.signatures)).toBe(formatNote(note));
  });

  it('adds signatures', () => {
    const both = signNote('text\n', [alice, bob]);
    expect(addNoteSignatures(signNote('text\n', [alice]), parseNote(both).signatures)).toBe(both);
  });

  it('takes 100 signatures and not 101', () => {
    const { text, signatures } = parseNote(signNote('text\n', [alice]));
    const many = (count: number) => [
      ...signatures,
      ...Array.from({ length: count - 1 }, (_, i) => ({ name: 'x', keyId: i, signature: Uint8Array.of(1) })),
    ];
    expect(openNote(formatNote({ text, signatures: many(100) }), [aliceKey]).unverified).toHaveLength(99);
    expect(() => formatNote({ text, signatures: many(101) })).toThrow(withCode('TLOG_NOTE_MALFORMED'));
    const tooMany = formatNote({ text, signatures: many(100) }) + '— x AAAAAAE=\n';
    expect(() => parseNote(tooMany)).toThrow(withCode('TLOG_NOTE_MALFORMED'));
  });

  it('takes a text of 1,000,000 bytes and not one more', () => {
    const text = `${'é'.repeat(499_999)}a\n`;
    expect(openNote(signNote(text, [alice]), [aliceKey]).text).toBe(text);
    expect(() => signNote(`a${text}`, [alice])).toThrow(withCode('TLOG_NOTE_MALFORMED'));
    const tooLong = `a${signNote(text, [alice])}`;
    expect(() => parseNote(tooLong)).toThrow(withCode('TLOG_NOTE_MALFORMED'));
  });
});

describe('malformed notes', () => {
  const good = signNote('text\n', [alice]);
  const line = good.split('\n\n')[1]!;

  it.each([
    ['no text', line],
    ['no blank line', `text\n${line}`],
    ['no signature', 'text\n\n'],
    ['no final newline', good.slice(0, -1)],
    ['a hyphen for the dash', good.replace('—', '-')],
    ['a missing name', good.replace('example.com/alice ', '')],
    ['an empty name', good.replace('example.com/alice', '')],
    ['a plus in the name', good.replace('alice', 'al+ce')],
    ['a no-break space in the name', good.replace('alice', 'al\u00a0ce')],
    ['a next-line character in the name', good.replace('alice', 'al\u0085ce')],
    ['a trailing space', good.replace(/\n$/, ' \n')],
    ['base64 without padding', good.replace(/=+\n$/, '\n')],
    ['base64url', good.replace(/ \S+\n$/, ' AAAA-_==\n')],
    ['a signature of the key id alone', good.replace(/ \S+\n$/, ' AAAAAA==\n')],
    ['loose bits in base64', good.replace(/ \S+\n$/, ' AAAAAAB=\n')],
    ['a tab', good.replace('text', 'te\txt')],
    ['a carriage return', good.replaceAll('\n', '\r\n')],
    ['a NUL', good.replace('text', '\0')],
    ['a lone surrogate', good.replace('text', '\ud800')],
    ['text after the signatures', `${good}more\n`],
    ['nothing', ''],
  ])('with %s are refused', (_, note) => {
    expect(() => parseNote(note)).toThrow(withCode('TLOG_NOTE_MALFORMED'));
  });

  it('that are not UTF-8 are refused', () => {
    const bytes = Buffer.concat([Buffer.of(0xff), Buffer.from(good)]);
    expect(() => parseNote(bytes)).toThrow(withCode('TLOG_NOTE_MALFORMED'));
  });

  it('do not become good by losing a byte-order mark', () => {
    const bytes = Buffer.concat([Buffer.of(0xef, 0xbb, 0xbf), Buffer.from(good)]);
    expect(() => openNote(bytes, [aliceKey])).toThrow(withCode('TLOG_NOTE_SIGNATURE_INVALID'));
  });

  it('cannot be signed', () => {
    for (const text of ['', 'no newline', 'tab\t\n', '\ud800\n']) {
      expect(() => signNote(text, [alice])).toThrow(withCode('TLOG_NOTE_MALFORMED'));
    }
    expect(() => signNote('text\n', [])).toThrow(withCode('TLOG_NOTE_MALFORMED'));
  });
});

describe('keys', () => {
  it('of the cosignature type have another key id for the same name and key', () => {
    const key = keyOfSeed(Buffer.alloc(32, 1));
    const cosigner = createCosigner(alice.name, key, () => 1n);
    expect(cosigner.keyId).not.toBe(alice.keyId);
    expect(parseVerifierKey(formatVerifierKey(cosigner)).type).toBe(SIGNATURE_TYPES.ed25519Cosignature);
  });

  it.each(['', 'with space', 'a+b', 'a\u2003b', 'a\nb', '\ud800'])('take no name %j', (name) => {
    expect(() => createEd25519Signer(name, keyOfSeed(Buffer.alloc(32)))).toThrow(
      withCode('TLOG_KEY_MALFORMED'),
    );
  });

  it('must be private Ed25519 keys to sign', () => {
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const ed = generateKeyPairSync('ed25519');
    expect(() => createEd25519Signer('a', ec.privateKey)).toThrow(withCode('TLOG_KEY_MALFORMED'));
    expect(() => createEd25519Signer('a', ed.publicKey)).toThrow(withCode('TLOG_KEY_MALFORMED'));
    expect(() => createCosigner('a', ed.publicKey, () => 1n)).toThrow(withCode('TLOG_KEY_MALFORMED'));
  });

  const vkey = formatVerifierKey(alice);
  it.each([
    ['a changed name', vkey.replace('alice', 'alicf'), 'TLOG_KEY_MALFORMED'],
    [
      'a changed key id',
      vkey.replace(/\+(.)/, (_, digit) => `+${digit === '0' ? '1' : '0'}`),
      'TLOG_KEY_MALFORMED',
    ],
    ['an upper-case key id', vkey.replace(/\+[0-9a-f]{8}/, (id) => id.toUpperCase()), 'TLOG_KEY_MALFORMED'],
    ['a missing part', vkey.slice(0, vkey.lastIndexOf('+')), 'TLOG_KEY_MALFORMED'],
    ['a short key', 'a+00000000+AQID', 'TLOG_KEY_MALFORMED'],
    ['no key', 'a+00000000+AQ==', 'TLOG_KEY_MALFORMED'],
    ['a reserved type', 'a+00000000+BgEC', 'TLOG_KEY_UNSUPPORTED'],
    ['nothing', '', 'TLOG_KEY_MALFORMED'],
  ])('as text are refused with %s', (_, text, code) => {
    expect(() => parseVerifierKey(text)).toThrow(withCode(code));
  });

  it.each([SIGNATURE_TYPES.ecdsa, SIGNATURE_TYPES.rfc6962TreeHead, SIGNATURE_TYPES.mlDsa44Cosignature, 0xff])(
    'of type %i are reserved',
    (type) => {
      expect(() => createVerifierKey({ ...alice, type })).toThrow(withCode('TLOG_KEY_UNSUPPORTED'));
    },
  );
});
