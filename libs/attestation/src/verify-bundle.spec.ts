import { canonicalJson } from '@app/tlog';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Bundle, BundleCommitment } from './bundle.js';
import { formatBundle, parseBundle } from './bundle.js';
import type { AttestationError } from './errors.js';
import { encodeBytes } from './fields.js';
import type { Fixture } from './ledger.fixture.js';
import {
  attest,
  bundleOf,
  bytes32,
  checkpointOf,
  commitmentsOf,
  ledgerKeySet,
  NOW,
  ORIGIN,
  strangerKey,
} from './ledger.fixture.js';
import { verifyBundle } from './verify-bundle.js';

const evidence = { keySet: ledgerKeySet(), now: NOW };
let world: Fixture;
let bundle: Bundle;
beforeAll(async () => {
  world = await attest();
  bundle = bundleOf(world);
});

/** The bundle with one commitment changed. */
function withCommitment(i: number, changes: Partial<BundleCommitment>): Bundle {
  const commitments = bundle.commitments.map((c, at) => (at === i ? { ...c, ...changes } : c));
  return { ...bundle, commitments };
}

async function expectRefusal(tampered: Bundle, code: string, where: string): Promise<void> {
  await expect(verifyBundle(parseBundle(formatBundle(tampered)), evidence)).rejects.toMatchObject({
    code,
    details: { where },
  });
}

describe('a sound bundle', () => {
  it('is accepted and names each commitment with its verdict', async () => {
    const account = await verifyBundle(parseBundle(formatBundle(bundle)), evidence);
    expect(account.request).toBe('req-2');
    expect(account.commitments.map(({ sample }) => sample)).toEqual(
      [0, 1, 2, 3, 4].map((i) => `sample-2-${i}`),
    );
    expect(account.commitments[1]).toEqual({
      leafIndex: '8',
      sample: 'sample-2-1',
      position: 2,
      verdict: 'NO_RESIDUAL_EVIDENCE',
      score: 900_008,
      pResidual: 500_000,
      pMember: 1_000,
    });
    expect(account.checks.slice(-4).map(({ name, outcome }) => `${name} ${outcome}`)).toEqual([
      'commitments ok',
      'verdicts ok',
      'request ok',
      'receipt ok',
    ]);
    expect(account.checks.find(({ name }) => name === 'logged')).toMatchObject({ outcome: 'ok' });
  });

  it('needs no receipt, and may hold one commitment only', async () => {
    const single = bundleOf(world, [12]);
    delete single.consistency;
    const account = await verifyBundle(single, evidence);
    expect(account.request).toBe('req-3');
    expect(account.checks.at(-1)).toMatchObject({ name: 'receipt', outcome: 'skipped' });
  });

  it('shows nothing of another request but hashes', () => {
    const text = formatBundle(bundle);
    for (const { content, salt, leaf } of [
      ...world.commitments.slice(0, 7),
      ...world.commitments.slice(12),
    ]) {
      expect(text).not.toContain(JSON.stringify(content).slice(1, -1));
      expect(text).not.toContain(encodeBytes(salt));
      expect(text).not.toContain(JSON.stringify(Buffer.from(leaf).toString()).slice(1, -1));
    }
    for (const { blind, index } of world.results)
      expect(text.includes(encodeBytes(blind))).toBe(index >= 7n && index <= 11n);
  });
});

describe('a bundle of which something is missing or foreign', () => {
  it('refuses a missing commitment at the end', async () => {
    await expectRefusal(bundleOf(world, [7, 8, 9, 10]), 'BUNDLE_INCOMPLETE', 'commitments');
  });

  it('refuses a missing commitment in the middle, and one shown twice', async () => {
    await expectRefusal(bundleOf(world, [7, 8, 10, 11]), 'BUNDLE_INCOMPLETE', 'commitments[2].content');
    await expectRefusal(bundleOf(world, [7, 8, 8, 10, 11]), 'BUNDLE_INCOMPLETE', 'commitments[2].content');
  });

  it('refuses a commitment of another request', async () => {
    await expectRefusal(bundleOf(world, [7, 8, 9, 10, 4]), 'BUNDLE_MIXED', 'commitments[4].content');
  });

  it('refuses a request whose commitments disagree about their number', async () => {
    const other = await attest({ change: (c, i) => (i === 9 ? { ...c, of: 6 } : c) });
    await expectRefusal(bundleOf(other), 'BUNDLE_MIXED', 'commitments[2].content');
  });

  it('refuses a commitment for another model', async () => {
    const other = await attest({ change: (c, i) => (i === 7 ? { ...c, model: 'mdl-other' } : c) });
    await expectRefusal(bundleOf(other), 'BUNDLE_MIXED', 'commitments[0].content');
  });

  it('refuses two leaves for one position', async () => {
    const other = await attest({ change: (c, i) => (i === 8 ? { ...c, position: 1 } : c) });
    await expectRefusal(bundleOf(other), 'BUNDLE_INCOMPLETE', 'commitments[1].content');
  });
});

describe('a tampered commitment', () => {
  it('refuses a changed salt', async () => {
    await expectRefusal(
      withCommitment(1, { salt: encodeBytes(bytes32('another salt')) }),
      'BUNDLE_COMMITMENT_INVALID',
      'commitments[1].salt',
    );
  });

  it('refuses changed content, also with a leaf made to fit', async () => {
    const [, changed] = commitmentsOf((c) => ({ ...c, sample: 'another' })).slice(7);
    await expectRefusal(
      withCommitment(1, { content: changed!.content }),
      'BUNDLE_COMMITMENT_INVALID',
      'commitments[1].salt',
    );
    await expectRefusal(
      withCommitment(1, { content: changed!.content, leaf: Buffer.from(changed!.leaf).toString() }),
      'BUNDLE_COMMITMENT_INVALID',
      'commitments[1].inclusionProof',
    );
  });

  it.each([
    ['not JSON', 'yes'],
    ['without its request', canonicalJson({ model: 'm', sample: 's', position: 1, of: 1 })],
    ['out of its own range', canonicalJson({ model: 'm', request: 'r', sample: 's', position: 2, of: 1 })],
    ['in another spelling', '{"request":"r", "model":"m","sample":"s","position":1,"of":1}'],
  ])('refuses content %s', async (_name, content) => {
    await expectRefusal(
      withCommitment(2, { content }),
      'BUNDLE_COMMITMENT_INVALID',
      'commitments[2].content',
    );
  });

  it('refuses another index and a bent, short or long inclusion proof', async () => {
    const { inclusionProof } = bundle.commitments[3]!;
    for (const changes of [
      { leafIndex: '9' },
      { leafIndex: '13' },
      { inclusionProof: [encodeBytes(bytes32('bent')), ...inclusionProof.slice(1)] },
      { inclusionProof: inclusionProof.slice(1) },
      { inclusionProof: [...inclusionProof, inclusionProof[0]!] },
    ])
      await expectRefusal(
        withCommitment(3, changes),
        'BUNDLE_COMMITMENT_INVALID',
        'commitments[3].inclusionProof',
      );
  });
});

describe('a tampered result', () => {
  it('refuses a changed verdict', async () => {
    const resultLeaf = bundle.commitments[0]!.resultLeaf.replace('NO_RESIDUAL_EVIDENCE', 'RESIDUAL');
    await expectRefusal(
      withCommitment(0, { resultLeaf }),
      'BUNDLE_RESULT_INVALID',
      'commitments[0].resultInclusionProof',
    );
  });

  it('refuses the result of another commitment, with its own good proof', async () => {
    const { resultLeaf, resultInclusionProof } = bundle.commitments[1]!;
    await expectRefusal(
      withCommitment(0, { resultLeaf, resultInclusionProof }),
      'BUNDLE_RESULT_INVALID',
      'commitments[0].resultLeaf',
    );
  });

  it('refuses a result that is bound to another commitment’s leaf', async () => {
    const leafHash = encodeBytes(bytes32('another leaf'));
    const fields = JSON.parse(bundle.commitments[0]!.resultLeaf) as Record<string, unknown>;
    await expectRefusal(
      withCommitment(0, { resultLeaf: canonicalJson({ ...fields, leafHash }) }),
      'BUNDLE_RESULT_INVALID',
      'commitments[0].resultLeaf',
    );
  });
});

describe('the attestation and the receipt of a bundle', () => {
  it('refuses an attestation by another key, an expired one and another attestation’s log proof', async () => {
    const stranger = await attest({ key: strangerKey });
    await expect(verifyBundle(bundleOf(stranger), evidence)).rejects.toMatchObject({
      code: 'ATTESTATION_KEY_UNKNOWN',
    });
    const now = new Date('2028-01-01T00:00:00.000Z');
    await expect(verifyBundle(bundle, { ...evidence, now })).rejects.toMatchObject({
      code: 'ATTESTATION_EXPIRED',
    });
    await expect(
      verifyBundle({ ...bundle, attestationProof: world.previousProof }, evidence),
    ).rejects.toMatchObject({ code: 'ATTESTATION_NOT_LOGGED' });
  });

  it('refuses the predecessor: the commitments are not in its tree', async () => {
    const older = { ...bundle, attestation: world.previousJws, attestationProof: world.previousProof };
    await expectRefusal(older, 'BUNDLE_COMMITMENT_INVALID', 'commitments[0].inclusionProof');
  });

  it('refuses a receipt by another key or of another history', async () => {
    const proof = bundle.consistency!.proof;
    const stranger = checkpointOf(world.tree, ORIGIN, { size: 9n, key: strangerKey });
    await expectRefusal(
      { ...bundle, consistency: { checkpoint: stranger, proof } },
      'ATTESTATION_CHECKPOINT_INVALID',
      'consistency.checkpoint',
    );
    const other = await attest({ change: (c, i) => (i === 0 ? { ...c, sample: 'rewritten' } : c) });
    const forked = checkpointOf(other.tree, ORIGIN, { size: 9n });
    await expectRefusal(
      { ...bundle, consistency: { checkpoint: forked, proof } },
      'BUNDLE_CONSISTENCY_BROKEN',
      'consistency.proof',
    );
  });

  it('tells what had held before the refusal', async () => {
    const error: unknown = await verifyBundle(bundleOf(world, [7]), evidence).catch((e: unknown) => e);
    const names = (error as AttestationError).passed.map(({ name }) => name);
    expect(names.slice(0, 2)).toEqual(['signature', 'statement']);
    expect(names.slice(-3)).toEqual(['results', 'commitments', 'verdicts']);
  });
});

describe('the file', () => {
  it('reads back what was written', () => {
    expect(parseBundle(formatBundle(bundle))).toEqual(bundle);
  });

  it.each([
    ['reformatted', (text: string) => JSON.stringify(JSON.parse(text), null, 2)],
    ['without its last newline', (text: string) => text.trimEnd()],
    ['with a key twice', (text: string) => text.replace('{', '{"format":"x",')],
    ['with an unknown field', (text: string) => text.replace('{', '{"also":1,')],
    ['of another version', (text: string) => text.replace('bundle/v1', 'bundle/v2')],
    [
      'without commitments',
      (text: string) => text.replace(/"commitments":\[.*?\],"cons/, '"commitments":[],"cons'),
    ],
    ['cut short', (text: string) => text.slice(0, -20)],
  ])('is refused %s', (_name, change) => {
    const changed = change(formatBundle(bundle));
    expect(changed).not.toBe(formatBundle(bundle));
    expect(() => parseBundle(changed)).toThrow(expect.objectContaining({ code: 'BUNDLE_MALFORMED' }));
  });

  it('is refused above its size limit without being parsed', () => {
    expect(() => parseBundle(' '.repeat(128 * 2 ** 20 + 1))).toThrow(
      expect.objectContaining({ code: 'BUNDLE_TOO_LARGE' }),
    );
  });

  it('is refused after the change of any one byte', async () => {
    const sound = Buffer.from(formatBundle(bundle));
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: sound.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        async (at, flip) => {
          const bytes = Buffer.from(sound);
          bytes[at]! ^= flip;
          const attempt = async () => verifyBundle(parseBundle(bytes.toString('utf8')), evidence);
          await expect(attempt()).rejects.toMatchObject({ name: 'AttestationError' });
        },
      ),
      { seed: 20261123, numRuns: 1000 },
    );
  });
});
