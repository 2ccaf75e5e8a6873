import { createHash, generateKeyPairSync, sign, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { cosignatureTime, createCosigner } from './cosignature.js';
import { createEd25519Signer } from './ed25519.js';
import { openNote, parseNote, signNote } from './signed-note.js';
import { createVerifierKey } from './verifier-key.js';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const text = 'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n';
const cosigner = createCosigner('witness.example.com/w1', privateKey, () => 1679315147n);
const note = signNote(text, [cosigner]);
const withCode = (code: string) => expect.objectContaining({ name: 'TlogError', code }) as Error;

describe('Ed25519 cosignatures', () => {
  it('sign the specification’s message, key id and time', () => {
    const { keyId, signature } = parseNote(note).signatures[0]!;
    const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url');
    const digest = createHash('sha256').update('witness.example.com/w1\n\x04').update(raw).digest();
    expect(keyId).toBe(digest.readUInt32BE(0));
    expect(signature).toHaveLength(72);
    expect(Buffer.from(signature).readBigUInt64BE(0)).toBe(1679315147n);
    const message = `cosignature/v1\ntime 1679315147\n${text}`;
    expect(verify(null, Buffer.from(message), publicKey, signature.subarray(8))).toBe(true);
  });

  it('open, with their time', () => {
    const { verified } = openNote(note, [createVerifierKey(cosigner)]);
    expect(verified.map(({ signature }) => cosignatureTime(signature))).toEqual([1679315147n]);
  });

  it('are refused when time, text or signature is changed', () => {
    const parsed = parseNote(note);
    const [only] = parsed.signatures;
    const verifier = createVerifierKey(cosigner);
    for (const at of [0, 7, 8, 71]) {
      const signature = only!.signature.map((byte, i) => (i === at ? byte ^ 1 : byte));
      expect(verifier.verify(Buffer.from(text), signature)).toBe(false);
    }
    expect(verifier.verify(Buffer.from(`${text}x\n`), only!.signature)).toBe(false);
    expect(verifier.verify(Buffer.from(text), only!.signature.subarray(8))).toBe(false);
  });

  it('never pass for a note signature by the same key, nor the other way round', () => {
    const plain = createEd25519Signer(cosigner.name, privateKey);
    const [cosignature] = parseNote(note).signatures;
    expect(createVerifierKey(plain).verify(Buffer.from(text), cosignature!.signature.subarray(8))).toBe(
      false,
    );
    expect(createVerifierKey(cosigner).verify(Buffer.from(text), plain.sign(Buffer.from(text)))).toBe(false);
  });

  it('are refused with a time above the format’s bound, however well signed', () => {
    const signedAt = (time: bigint) => {
      const signature = Buffer.alloc(72);
      signature.writeBigUInt64BE(time);
      sign(null, Buffer.from(`cosignature/v1\ntime ${time}\n${text}`), privateKey).copy(signature, 8);
      return createVerifierKey(cosigner).verify(Buffer.from(text), signature);
    };
    expect(signedAt(2n ** 63n - 1n)).toBe(true);
    expect(signedAt(2n ** 63n)).toBe(false);
  });

  it('state a time the format can hold', () => {
    for (const time of [-1n, 2n ** 63n]) {
      const wrong = createCosigner('w', privateKey, () => time);
      expect(() => signNote(text, [wrong])).toThrow(withCode('TLOG_OUT_OF_RANGE'));
    }
    expect(() => cosignatureTime(new Uint8Array(71))).toThrow(withCode('TLOG_COSIGNATURE_MALFORMED'));
    expect(() => cosignatureTime(new Uint8Array(72).fill(0xff))).toThrow(
      withCode('TLOG_COSIGNATURE_MALFORMED'),
    );
  });
});
