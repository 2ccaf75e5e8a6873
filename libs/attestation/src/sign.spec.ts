import { verify } from 'node:crypto';
import { canonicalJson } from '@app/tlog';
import { calculateJwkThumbprint, compactVerify, decodeProtectedHeader, importJWK } from 'jose';
import { describe, expect, it } from 'vitest';
import { attest, attestationKey, KEYS_SINCE, ledgerKeySet, strangerKey } from './ledger.fixture.js';
import { openDsse } from './open.js';
import { signAttestation, signDsse } from './sign.js';
import { generatePrivateJwk, openSigningKey, publishKey } from './signing-key.js';
import { formatStatement } from './statement.js';

const { statement } = await attest();
const es256 = openSigningKey(generatePrivateJwk('ES256'));
const active = { status: 'active', notBefore: KEYS_SINCE } as const;
const keySet = { keys: [...ledgerKeySet().keys, publishKey(es256.publicJwk, active)] };

describe.each([attestationKey, es256])('signed with $alg', (key) => {
  it('a JWS verifies with jose alone and holds the canonical statement', async () => {
    const jws = await signAttestation(statement, key);
    const { payload } = await compactVerify(jws, await importJWK({ ...key.publicJwk, alg: key.alg }));
    expect(Buffer.from(payload).toString()).toBe(formatStatement(statement));
    expect(decodeProtectedHeader(jws)).toEqual({
      alg: key.alg,
      kid: await calculateJwkThumbprint(key.publicJwk),
      typ: 'lacuna-attestation+jws',
    });
  });

  it('a DSSE envelope holds the same bytes and opens', () => {
    const envelope = signDsse(statement, key);
    const { payload } = JSON.parse(envelope) as { payload: string };
    expect(Buffer.from(payload, 'base64').toString()).toBe(formatStatement(statement));
    expect(openDsse(envelope, keySet)).toEqual(statement);
  });

  it('a DSSE envelope is refused with a changed payload, signature or key', () => {
    const envelope = JSON.parse(signDsse(statement, key)) as {
      payload: string;
      signatures: [{ keyid: string; sig: string }];
    };
    const [signature] = envelope.signatures;
    const other = Buffer.from(formatStatement(statement).replace('PASSED', 'FAILED')).toString('base64');
    const open = (changes: object) => () => openDsse(canonicalJson({ ...envelope, ...changes }), keySet);
    expect(open({})).not.toThrow();
    expect(open({ payload: other })).toThrow(
      expect.objectContaining({ code: 'ATTESTATION_SIGNATURE_INVALID' }),
    );
    expect(open({ signatures: [{ ...signature, sig: 'AAAA' }] })).toThrow(
      expect.objectContaining({ code: 'ATTESTATION_SIGNATURE_INVALID' }),
    );
    expect(open({ signatures: [{ ...signature, keyid: strangerKey.kid }] })).toThrow(
      expect.objectContaining({ code: 'ATTESTATION_KEY_UNKNOWN' }),
    );
    for (const changes of [{ payloadType: 'text/plain' }, { signatures: [] }, { extra: 1 }])
      expect(open(changes)).toThrow(expect.objectContaining({ code: 'ATTESTATION_MALFORMED' }));
  });
});

it('refuses an envelope that is too large to be one', () => {
  expect(() => openDsse(' '.repeat(2 ** 21 + 1), keySet)).toThrow(
    expect.objectContaining({ code: 'ATTESTATION_TOO_LARGE' }),
  );
});

it('signs the DSSE v1 pre-authentication encoding', () => {
  const { payload, signatures } = JSON.parse(signDsse(statement, attestationKey)) as {
    payload: string;
    signatures: [{ sig: string }];
  };
  const body = Buffer.from(payload, 'base64');
  const pae = `DSSEv1 28 application/vnd.in-toto+json ${body.length} ${body.toString()}`;
  const signature = Buffer.from(signatures[0].sig, 'base64');
  expect(verify(null, Buffer.from(pae), attestationKey.privateKey, signature)).toBe(true);
});
