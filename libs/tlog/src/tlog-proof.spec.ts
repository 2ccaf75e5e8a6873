import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { signCheckpoint } from './checkpoint.js';
import { createCosigner } from './cosignature.js';
import { createEd25519Signer } from './ed25519.js';
import { hashLeaf } from './hash.js';
import { parsePolicy } from './policy.js';
import { checkTlogProof, formatTlogProof, parseTlogProof } from './tlog-proof.js';
import { MemoryTree } from './tree.js';
import { createVerifierKey, formatVerifierKey } from './verifier-key.js';

const key = () => generateKeyPairSync('ed25519').privateKey;
const log = createEd25519Signer('log.example/m1', key());
const verifier = createVerifierKey(log);
const witness = createCosigner('w.example', key(), () => 5n);
const entries = Array.from({ length: 75 }, (_, i) => Buffer.from(`entry ${i}`));
const tree = new MemoryTree(entries.map(hashLeaf));
const origin = log.name;
const checkpoint = signCheckpoint({ origin, treeSize: 75n, rootHash: tree.root() }, [log, witness]);
const proofOf = (index: number) => ({
  leafIndex: BigInt(index),
  proof: tree.proveInclusion(BigInt(index)),
  checkpoint,
});
const policy = parsePolicy(
  `log ${formatVerifierKey(log)}\nwitness w ${formatVerifierKey(witness)}\nquorum w\n`,
);
const withCode = (code: string) => expect.objectContaining({ name: 'TlogError', code }) as Error;

describe('tlog-proof files', () => {
  it('round-trip, with and without extra data', () => {
    fc.assert(
      fc.property(fc.nat(74), fc.uint8Array({ maxLength: 40 }), (index, extra) => {
        const proof = { ...proofOf(index), ...(extra.length > 0 ? { extra } : {}) };
        expect(parseTlogProof(formatTlogProof(proof))).toEqual(proof);
        expect(parseTlogProof(Buffer.from(formatTlogProof(proof)))).toEqual(proof);
      }),
      { seed: 16 },
    );
  });

  it('have the specification’s shape', () => {
    expect(formatTlogProof({ ...proofOf(3), extra: Buffer.from('hi') })).toMatch(
      /^c2sp\.org\/tlog-proof@v1\nextra aGk=\nindex 3\n([A-Za-z0-9+/]{43}=\n){7}\nlog\.example\/m1\n75\n/,
    );
    const one = new MemoryTree([hashLeaf(entries[0]!)]);
    const single = signCheckpoint({ origin, treeSize: 1n, rootHash: one.root() }, [log]);
    const file = formatTlogProof({ leafIndex: 0n, proof: [], checkpoint: single });
    expect(file).toBe(`c2sp.org/tlog-proof@v1\nindex 0\n\n${single}`);
    checkTlogProof({ leaf: entries[0]!, proof: file, origin, verifier });
  });

  it('check for every entry, by key, by policy, and by both', () => {
    for (const [index, leaf] of entries.entries()) {
      const proof = formatTlogProof(proofOf(index));
      expect(checkTlogProof({ leaf, proof, origin, verifier })).toMatchObject({
        leafIndex: BigInt(index),
        checkpoint: { treeSize: 75n, cosignatures: [] },
      });
    }
    const claim = { leafHash: hashLeaf(entries[3]!), proof: proofOf(3), origin };
    const cosignatures = [{ witness: 'w', time: 5n }];
    expect(checkTlogProof({ ...claim, policy }).checkpoint.cosignatures).toEqual(cosignatures);
    const bare = { ...policy, logs: [] };
    expect(checkTlogProof({ ...claim, policy: bare, verifier }).checkpoint.cosignatures).toEqual(
      cosignatures,
    );
  });

  it('are refused for another entry, index, log, key, and below the quorum', () => {
    const claim = { leaf: entries[3]!, proof: proofOf(3), origin, verifier };
    expect(() => checkTlogProof({ ...claim, leaf: entries[4]! })).toThrow(withCode('TLOG_INCLUSION_BROKEN'));
    expect(() => checkTlogProof({ ...claim, proof: { ...proofOf(3), leafIndex: 2n } })).toThrow(
      withCode('TLOG_INCLUSION_BROKEN'),
    );
    expect(() => checkTlogProof({ ...claim, proof: { ...proofOf(3), leafIndex: 75n } })).toThrow(
      withCode('TLOG_INCLUSION_BROKEN'),
    );
    expect(() => checkTlogProof({ ...claim, origin: 'log.example/m2' })).toThrow(
      withCode('TLOG_CHECKPOINT_ORIGIN_MISMATCH'),
    );
    const other = createVerifierKey(createEd25519Signer(origin, key()));
    expect(() => checkTlogProof({ ...claim, verifier: other })).toThrow(withCode('TLOG_NOTE_UNSIGNED'));
    const unwitnessed = signCheckpoint({ origin, treeSize: 75n, rootHash: tree.root() }, [log]);
    expect(() =>
      checkTlogProof({
        leaf: entries[3]!,
        origin,
        policy,
        proof: { ...proofOf(3), checkpoint: unwitnessed },
      }),
    ).toThrow(withCode('TLOG_POLICY_UNMET'));
  });

  const file = formatTlogProof({ ...proofOf(3), extra: Buffer.from('hi') });
  it.each([
    ['another version', file.replace('@v1', '@v2')],
    ['an empty extra line', file.replace('extra aGk=', 'extra ')],
    ['a broken extra line', file.replace('extra aGk=', 'extra aGk')],
    ['extra after index', file.replace('extra aGk=\nindex 3', 'index 3\nextra aGk=')],
    ['no index', file.replace('index 3\n', '')],
    ['a leading zero', file.replace('index 3', 'index 03')],
    ['a short hash', file.replace(/(index 3\n)..../, '$1')],
    ['no blank line', file.replaceAll('\n\n', '\n')],
    ['a carriage return', file.replaceAll('\n', '\r\n')],
    [
      '64 hashes',
      file.replace('index 3\n', `index 3\n${`${Buffer.alloc(32).toString('base64')}\n`.repeat(57)}`),
    ],
    ['bytes that are not UTF-8', Buffer.concat([Buffer.of(0x80), Buffer.from(file)])],
    ['nothing', ''],
  ])('with %s are refused', (_, malformed) => {
    expect(() => parseTlogProof(malformed)).toThrow(withCode('TLOG_PROOF_MALFORMED'));
  });

  it('cannot be made of malformed parts', () => {
    const good = proofOf(3);
    expect(() => formatTlogProof({ ...good, extra: new Uint8Array(0) })).toThrow(
      withCode('TLOG_PROOF_MALFORMED'),
    );
    expect(() => formatTlogProof({ ...good, proof: [new Uint8Array(31)] })).toThrow(
      withCode('TLOG_PROOF_MALFORMED'),
    );
    expect(() => formatTlogProof({ ...good, leafIndex: -1n })).toThrow(withCode('TLOG_OUT_OF_RANGE'));
  });
});
