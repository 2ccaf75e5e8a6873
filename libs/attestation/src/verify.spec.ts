import { InvariantViolation } from '@app/errors';
import { canonicalJson, createEd25519Signer, formatVerifierKey, hashLeaf, MemoryTree } from '@app/tlog';
import { CompactSign } from 'jose';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeBytes } from './fields.js';
import type { KeySet } from './key-set.js';
import type { Fixture } from './ledger.fixture.js';
import {
  attest,
  attestationKey,
  bytes32,
  checkpointOf,
  commitmentsOf,
  EVENTS,
  KEYS_SINCE,
  LEDGER,
  ledgerKeySet,
  ledgerVkey,
  logEvents,
  logKey,
  NOW,
  ORIGIN,
  PREVIOUS_SIZE,
  strangerKey,
  VERIFIED_AT,
} from './ledger.fixture.js';
import { attestationDigest } from './open.js';
import { formatResultLeaf } from './result-leaf.js';
import { ATTESTATION_TYP, signAttestation } from './sign.js';
import { generatePrivateJwk, openSigningKey, publishKey } from './signing-key.js';
import type { Predicate } from './statement.js';
import { makeStatement } from './statement.js';
import { verifyAttestation } from './verify.js';

const keySet = ledgerKeySet();
let world: Fixture;
beforeAll(async () => {
  world = await attest();
});

/** The attestation with a header or payload of the attacker's choice, signed by `key` where it is given. */
async function forge(
  header: Record<string, unknown>,
  payload: string,
  key = attestationKey,
): Promise<string> {
  const members = { alg: 'EdDSA', kid: key.kid, typ: ATTESTATION_TYP, ...header };
  const entries = Object.entries(members).filter(([, value]) => value !== undefined);
  return new CompactSign(Buffer.from(payload))
    .setProtectedHeader(Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1))) as typeof members)
    .sign(key.privateKey, { crit: { lacuna: true } });
}

const payloadOf = (jws: string): string => Buffer.from(jws.split('.')[1]!, 'base64url').toString('utf8');
const base64url = (text: string): string => Buffer.from(text).toString('base64url');
const refused = (code: string, where?: string): unknown =>
  expect.objectContaining(
    where === undefined ? { code } : { code, details: expect.objectContaining({ where }) as unknown },
  );

/** The key set with the history of one key changed. */
function keySetWith(kid: string, changes: Record<string, string>): KeySet {
  return { keys: keySet.keys.map((key) => (key.kid === kid ? { ...key, ...changes } : key)) };
}

/** A second attestation that differs in its predicate, signed by the ledger's own key. */
async function resigned(change: (predicate: Predicate) => Predicate): Promise<string> {
  return signAttestation(makeStatement('4'.repeat(64), change(world.statement.predicate)), attestationKey);
}

describe('a sound attestation', () => {
  it('is accepted with every proof, and the account lists each check', async () => {
    const account = await verifyAttestation(world.jws, {
      keySet,
      now: NOW,
      tlogProof: world.tlogProof,
      previousJws: world.previousJws,
      results: world.results.map(formatResultLeaf),
    });
    expect(account.statement).toEqual(world.statement);
    expect(account.checks.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual([
      'signature ok',
      'statement ok',
      'validity ok',
      'checkpoint ok',
      'completeness ok',
      'consistency ok',
      'previous ok',
      'logged ok',
      'results ok',
    ]);
  });

  it('is accepted alone, and the account says what was not checked', async () => {
    const { checks } = await verifyAttestation(world.jws, { keySet, now: NOW });
    const skipped = checks.filter(({ outcome }) => outcome === 'skipped').map(({ name }) => name);
    expect(skipped).toEqual(['previous', 'logged', 'results']);
  });

  it('may be the first of its model', async () => {
    const { checks } = await verifyAttestation(world.previousJws, {
      keySet,
      now: NOW,
      tlogProof: world.previousProof,
    });
    expect(checks.find(({ name }) => name === 'previous')).toMatchObject({ outcome: 'ok' });
  });

  it('may be signed with ES256', async () => {
    const key = openSigningKey(generatePrivateJwk('ES256'));
    const es256 = {
      keys: [...keySet.keys, publishKey(key.publicJwk, { status: 'active', notBefore: KEYS_SINCE })],
    };
    const { jws } = await attest({ key });
    expect((await verifyAttestation(jws, { keySet: es256, now: NOW })).checks[0]!.detail).toContain('ES256');
  });

  it('may grow from an attestation of the empty log', async () => {
    const jws = await resigned((predicate) => ({
      ...predicate,
      commitmentLog: {
        ...predicate.commitmentLog,
        consistency: { fromSize: '0', fromRoot: encodeBytes(new MemoryTree([]).root()), proof: [] },
      },
    }));
    await expect(verifyAttestation(jws, { keySet, now: NOW })).resolves.toBeDefined();
  });

  it('verifies with a log key published for this log alone, which then verifies no other log', async () => {
    const vkey = formatVerifierKey(createEd25519Signer(ORIGIN, logKey.privateKey));
    const own = keySetWith(logKey.kid, { 'lacuna:vkey': vkey });
    await expect(verifyAttestation(world.jws, { keySet: own, now: NOW })).resolves.toBeDefined();
    await expect(
      verifyAttestation(world.jws, { keySet: own, now: NOW, tlogProof: world.tlogProof }),
    ).rejects.toEqual(refused('ATTESTATION_CHECKPOINT_INVALID', 'tlogProof.checkpoint'));
  });

  it('verifies with a log key that signs under the ledger’s name', async () => {
    const commitments = commitmentsOf();
    const tree = new MemoryTree(commitments.map(({ leaf }) => hashLeaf(leaf)));
    const jws = await resigned((predicate) => ({
      ...predicate,
      commitmentLog: { ...predicate.commitmentLog, checkpoint: checkpointOf(tree, ORIGIN, { name: LEDGER }) },
    }));
    await expect(verifyAttestation(jws, { keySet, now: NOW })).resolves.toBeDefined();
  });
});

describe('the signature', () => {
  it('refuses one tampered payload byte', async () => {
    const [header, payload, signature] = world.jws.split('.');
    const passed = Buffer.from(payload!, 'base64url').toString().replace('PASSED', 'pASSED');
    await expect(
      verifyAttestation([header, base64url(passed), signature].join('.'), { keySet, now: NOW }),
    ).rejects.toEqual(refused('ATTESTATION_SIGNATURE_INVALID'));
  });

  it('refuses a FAILED attestation re-signed as PASSED by another key', async () => {
    const { jws } = await attest({ key: strangerKey });
    await expect(verifyAttestation(jws, { keySet, now: NOW })).rejects.toEqual(
      refused('ATTESTATION_KEY_UNKNOWN'),
    );
  });

  it('refuses another key that claims the kid', async () => {
    const jws = await forge({ kid: attestationKey.kid }, payloadOf(world.jws), strangerKey);
    await expect(verifyAttestation(jws, { keySet, now: NOW })).rejects.toEqual(
      refused('ATTESTATION_SIGNATURE_INVALID'),
    );
  });

  it('refuses the log’s checkpoint key: it never signs attestations', async () => {
    const jws = await signAttestation(world.statement, logKey);
    await expect(verifyAttestation(jws, { keySet, now: NOW })).rejects.toEqual(
      refused('ATTESTATION_KEY_UNKNOWN'),
    );
  });

  it.each(['none', 'HS256', 'RS256', 'Ed25519'])('refuses the header algorithm %s', async (alg) => {
    const [, payload, signature] = world.jws.split('.');
    const header = canonicalJson({ alg, kid: attestationKey.kid, typ: ATTESTATION_TYP });
    for (const third of [signature!, ''])
      await expect(
        verifyAttestation([base64url(header), payload, third].join('.'), { keySet, now: NOW }),
      ).rejects.toEqual(refused('ATTESTATION_ALGORITHM_REFUSED'));
  });

  it('refuses an accepted algorithm that is not the key’s', async () => {
    const [, payload, signature] = world.jws.split('.');
    const header = canonicalJson({ alg: 'ES256', kid: attestationKey.kid, typ: ATTESTATION_TYP });
    await expect(
      verifyAttestation([base64url(header), payload, signature].join('.'), { keySet, now: NOW }),
    ).rejects.toEqual(refused('ATTESTATION_ALGORITHM_REFUSED'));
  });

  it.each(['JWT', 'lacuna-token+jws', undefined])('refuses the type %s', async (typ) => {
    const jws = await forge(typ === undefined ? { typ: undefined } : { typ }, payloadOf(world.jws));
    await expect(verifyAttestation(jws, { keySet, now: NOW })).rejects.toEqual(
      refused('ATTESTATION_TYPE_WRONG'),
    );
  });

  it.each([{ crit: ['lacuna'], lacuna: 1 }, { jwk: strangerKey.publicJwk }, { cty: 'application/json' }])(
    'refuses a header that says more: %j',
    async (extra) => {
      const jws = await forge(extra, payloadOf(world.jws));
      await expect(verifyAttestation(jws, { keySet, now: NOW })).rejects.toEqual(
        refused('ATTESTATION_MALFORMED'),
      );
    },
  );

  it('refuses a payload in another spelling, with an unknown field or of another predicate', async () => {
    const payload = payloadOf(world.jws);
    const parsed = JSON.parse(payload) as Record<string, unknown>;
    for (const other of [
      `${payload} `,
      canonicalJson({ ...parsed, note: 'and nothing else' }),
      canonicalJson({ ...parsed, predicateType: 'https://slsa.dev/provenance/v1' }),
      'PASSED',
    ])
      await expect(verifyAttestation(await forge({}, other), { keySet, now: NOW })).rejects.toEqual(
        refused('ATTESTATION_MALFORMED'),
      );
  });

  it.each(['two parts only', 'a fourth part', 'the JSON serialisation'])('refuses %s', async (form) => {
    const [header, payload, signature] = world.jws.split('.');
    const forms: Record<string, string> = {
      'two parts only': `${header}.${payload}`,
      'a fourth part': `${world.jws}.AAAA`,
      'the JSON serialisation': canonicalJson({ protected: header, payload, signature }),
    };
    await expect(verifyAttestation(forms[form]!, { keySet, now: NOW })).rejects.toEqual(
      refused('ATTESTATION_MALFORMED', 'document'),
    );
  });

  it('refuses what is too large to be one', async () => {
    await expect(verifyAttestation('a'.repeat(2 ** 20 + 1), { keySet, now: NOW })).rejects.toEqual(
      refused('ATTESTATION_TOO_LARGE'),
    );
  });
});

describe('the keys’ history', () => {
  const verifyWith = (changes: Record<string, string>, kid = attestationKey.kid) =>
    verifyAttestation(world.jws, { keySet: keySetWith(kid, changes), now: NOW, tlogProof: world.tlogProof });

  it('accepts a retired key for what it signed in its time', async () => {
    await expect(
      verifyWith({ 'lacuna:status': 'retired', 'lacuna:notAfter': VERIFIED_AT }),
    ).resolves.toBeDefined();
  });

  it('refuses a retired key for what it signed afterwards', async () => {
    await expect(
      verifyWith({ 'lacuna:status': 'retired', 'lacuna:notAfter': '2026-11-19T00:00:00.000Z' }),
    ).rejects.toEqual(refused('ATTESTATION_KEY_OUTSIDE_ITS_TIME'));
  });

  it('refuses what is dated before the key came into use', async () => {
    await expect(verifyWith({ 'lacuna:notBefore': '2026-11-21T00:00:00.000Z' })).rejects.toEqual(
      refused('ATTESTATION_KEY_OUTSIDE_ITS_TIME'),
    );
  });

  it('refuses a revoked key for everything', async () => {
    await expect(verifyWith({ 'lacuna:status': 'revoked' })).rejects.toEqual(
      refused('ATTESTATION_KEY_REVOKED'),
    );
  });

  it('refuses a checkpoint by a revoked or not yet used key', async () => {
    await expect(verifyWith({ 'lacuna:status': 'revoked' }, logKey.kid)).rejects.toEqual(
      refused('ATTESTATION_KEY_REVOKED', 'predicate.commitmentLog.checkpoint'),
    );
    await expect(verifyWith({ 'lacuna:notBefore': '2026-11-21T00:00:00.000Z' }, logKey.kid)).rejects.toEqual(
      refused('ATTESTATION_KEY_OUTSIDE_ITS_TIME', 'predicate.commitmentLog.checkpoint'),
    );
  });
});

describe('time', () => {
  it.each(['2027-02-20T00:00:00.000Z', '2030-01-01T00:00:00.000Z'])(
    'refuses it as expired at %s',
    async (now) => {
      await expect(verifyAttestation(world.jws, { keySet, now: new Date(now) })).rejects.toEqual(
        refused('ATTESTATION_EXPIRED'),
      );
    },
  );

  it('accepts it to the last millisecond', async () => {
    const now = new Date('2027-02-19T23:59:59.999Z');
    await expect(verifyAttestation(world.jws, { keySet, now })).resolves.toBeDefined();
  });

  it('does not take an invalid date for a time before the expiry', async () => {
    await expect(verifyAttestation(world.jws, { keySet, now: new Date(NaN) })).rejects.toThrow(
      InvariantViolation,
    );
  });

  it('refuses one from the future, beyond a minute of skew', async () => {
    const early = (seconds: number) => new Date(Date.parse(VERIFIED_AT) - seconds * 1000);
    await expect(verifyAttestation(world.jws, { keySet, now: early(61) })).rejects.toEqual(
      refused('ATTESTATION_NOT_YET_VALID'),
    );
    await expect(verifyAttestation(world.jws, { keySet, now: early(60) })).resolves.toBeDefined();
  });
});

describe('the commitment log', () => {
  const withLog = (change: (log: Predicate['commitmentLog']) => Partial<Predicate['commitmentLog']>) =>
    resigned((predicate) => ({
      ...predicate,
      commitmentLog: { ...predicate.commitmentLog, ...change(predicate.commitmentLog) },
    }));

  it('refuses a root that the checkpoint does not sign', async () => {
    const jws = await withLog(() => ({ rootHash: encodeBytes(bytes32('another root')) }));
    await expect(verifyAttestation(jws, { keySet, now: NOW })).rejects.toEqual(
      refused('ATTESTATION_CHECKPOINT_INVALID', 'predicate.commitmentLog.checkpoint'),
    );
  });

  it('refuses the checkpoint of another size', async () => {
    const jws = await withLog(() => ({ checkpoint: checkpointOf(world.tree, ORIGIN, { size: 12n }) }));
    await expect(verifyAttestation(jws, { keySet, now: NOW })).rejects.toEqual(
      refused('ATTESTATION_CHECKPOINT_INVALID'),
    );
  });

  it('refuses the checkpoint of another log', async () => {
    const other = `${LEDGER}/mdl-other/commitments`;
    const jws = await withLog(() => ({ checkpoint: checkpointOf(world.tree, other) }));
    await expect(verifyAttestation(jws, { keySet, now: NOW })).rejects.toEqual(
      refused('ATTESTATION_CHECKPOINT_INVALID'),
    );
  });

  it('refuses a checkpoint signed by another key', async () => {
    const jws = await withLog(() => ({ checkpoint: checkpointOf(world.tree, ORIGIN, { key: strangerKey }) }));
    await expect(verifyAttestation(jws, { keySet, now: NOW })).rejects.toEqual(
      refused('ATTESTATION_CHECKPOINT_INVALID'),
    );
  });

  it('refuses a log of a ledger for which the key set has no key', async () => {
    const origin = `elsewhere.example/mdl-news/commitments`;
    const jws = await withLog(() => ({ origin, checkpoint: checkpointOf(world.tree, origin) }));
    await expect(verifyAttestation(jws, { keySet, now: NOW })).rejects.toThrow(/no key for this log/);
  });

  it('refuses a consistency proof that was bent, shortened or starts elsewhere', async () => {
    const { consistency } = world.statement.predicate.commitmentLog;
    const { proof, fromRoot } = consistency!;
    for (const bent of [
      { proof: [encodeBytes(bytes32('bent')), ...proof.slice(1)] },
      { proof: proof.slice(1) },
      { proof: [...proof, proof[0]!] },
      { fromSize: '6' },
      { fromSize: '0', proof: [] },
      { fromSize: '14' },
      { fromRoot: encodeBytes(bytes32('other history')) },
    ]) {
      const jws = await withLog(() => ({
        consistency: { fromSize: String(PREVIOUS_SIZE), fromRoot, proof, ...bent },
      }));
      await expect(verifyAttestation(jws, { keySet, now: NOW })).rejects.toEqual(
        refused('ATTESTATION_CONSISTENCY_BROKEN'),
      );
    }
  });
});

describe('the predecessor', () => {
  it('refuses one whose digest is not the one named', async () => {
    const { jws } = await attest({ overrides: { previousAttestation: { digest: '9'.repeat(64) } } });
    await expect(
      verifyAttestation(jws, { keySet, now: NOW, previousJws: world.previousJws }),
    ).rejects.toEqual(refused('ATTESTATION_PREVIOUS_MISMATCH', 'predicate.previousAttestation.digest'));
  });

  it('refuses a consistency proof from another tree than the predecessor’s', async () => {
    const from = 5n;
    const consistency = {
      fromSize: String(from),
      fromRoot: encodeBytes(world.tree.root(from)),
      proof: world.tree.proveConsistency(from).map(encodeBytes),
    };
    const jws = await resigned((p) => ({ ...p, commitmentLog: { ...p.commitmentLog, consistency } }));
    await expect(
      verifyAttestation(jws, { keySet, now: NOW, previousJws: world.previousJws }),
    ).rejects.toEqual(refused('ATTESTATION_PREVIOUS_MISMATCH', 'predicate.commitmentLog.consistency'));
  });

  it('refuses the attestation of another model, even one that is named', async () => {
    const { predicate } = world.previousStatement;
    const other = `${LEDGER}/mdl-other/commitments`;
    const foreign = await signAttestation(
      makeStatement('3'.repeat(64), {
        ...predicate,
        model: { id: 'mdl-other', name: 'other' },
        commitmentLog: { ...predicate.commitmentLog, origin: other },
      }),
      attestationKey,
    );
    const jws = await resigned((p) => ({
      ...p,
      previousAttestation: { digest: attestationDigest(foreign) },
    }));
    await expect(verifyAttestation(jws, { keySet, now: NOW, previousJws: foreign })).rejects.toEqual(
      refused('ATTESTATION_PREVIOUS_MISMATCH', 'predicate.model.id'),
    );
  });

  it('refuses a predecessor that is younger, forged, or not claimed at all', async () => {
    const { jws } = await attest({ overrides: { verifiedAt: '2026-11-09T00:00:00.000Z' } });
    await expect(
      verifyAttestation(jws, { keySet, now: NOW, previousJws: world.previousJws }),
    ).rejects.toEqual(refused('ATTESTATION_PREVIOUS_MISMATCH', 'predicate.verifiedAt'));
    const forged = await signAttestation(world.previousStatement, strangerKey);
    await expect(verifyAttestation(world.jws, { keySet, now: NOW, previousJws: forged })).rejects.toEqual(
      refused('ATTESTATION_KEY_UNKNOWN'),
    );
    await expect(
      verifyAttestation(world.previousJws, { keySet, now: NOW, previousJws: world.jws }),
    ).rejects.toEqual(refused('ATTESTATION_PREVIOUS_MISMATCH', 'predicate.previousAttestation'));
  });
});

describe('the event log', () => {
  const verifyProof = (tlogProof: string) => verifyAttestation(world.jws, { keySet, now: NOW, tlogProof });

  it('refuses the proof of another attestation', async () => {
    await expect(verifyProof(world.previousProof)).rejects.toEqual(refused('ATTESTATION_NOT_LOGGED'));
  });

  it('refuses a proof from another log or by another key', async () => {
    const [otherLog = ''] = logEvents([world], { origin: 'elsewhere.example/events' });
    const [otherKey = ''] = logEvents([world], { key: strangerKey });
    for (const proof of [otherLog, otherKey])
      await expect(verifyProof(proof)).rejects.toEqual(
        refused('ATTESTATION_CHECKPOINT_INVALID', 'tlogProof.checkpoint'),
      );
  });

  it('refuses a bent hash, another index, a leaf that is not opened, another spelling and no proof at all', async () => {
    const lines = world.tlogProof.split('\n');
    const bent = lines.map((line, i) => (i === 3 ? encodeBytes(bytes32('bent')) : line)).join('\n');
    const moved = world.tlogProof.replace(/^index \d+$/m, 'index 0');
    const closed = world.tlogProof.replace(/^extra .*\n/m, '');
    const other = world.tlogProof.replace(/^extra .*$/m, `extra ${Buffer.from('{}').toString('base64')}`);
    for (const proof of [bent, moved, closed, other, `${world.tlogProof}\n`, ''])
      await expect(verifyProof(proof)).rejects.toEqual(refused('ATTESTATION_NOT_LOGGED'));
  });

  it('does not read a proof that is too large to be one', async () => {
    await expect(verifyProof(world.tlogProof + 'x'.repeat(65_536))).rejects.toThrow(/longer than any/);
  });

  it('accepts a checkpoint signed by a key that came into use since', async () => {
    const later = { ...keySetWith(logKey.kid, {}) };
    const newKey = publishKey(
      strangerKey.publicJwk,
      { status: 'active', notBefore: '2026-11-21T00:00:00.000Z' },
      ledgerVkey(strangerKey),
    );
    const [proof = ''] = logEvents([world], { origin: EVENTS, key: strangerKey });
    await expect(
      verifyAttestation(world.jws, {
        keySet: { keys: [...later.keys, newKey] },
        now: NOW,
        tlogProof: proof,
      }),
    ).resolves.toBeDefined();
  });
});

describe('any change', () => {
  it('of one byte of an attestation is refused', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: world.jws.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        async (at, flip) => {
          const bytes = Buffer.from(world.jws, 'latin1');
          bytes[at]! ^= flip;
          const attempt = verifyAttestation(bytes.toString('latin1'), { keySet, now: NOW });
          await expect(attempt).rejects.toMatchObject({ name: 'AttestationError' });
        },
      ),
      { seed: 20261123, numRuns: 500 },
    );
  });

  it('of the last character of the signature is refused: its unused bits have one spelling', async () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    for (const character of alphabet) {
      const jws = world.jws.slice(0, -1) + character;
      if (jws === world.jws) continue;
      await expect(verifyAttestation(jws, { keySet, now: NOW })).rejects.toMatchObject({
        name: 'AttestationError',
      });
    }
  });
});
