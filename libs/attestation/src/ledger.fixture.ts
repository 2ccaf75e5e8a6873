/**
 * A small ledger for the specs: one model, 13 commitments of four requests, two attestations in a row and an
 * event log that holds both. Everything follows from fixed labels, so a failing spec fails the same way again.
 */
import { createHash, createPrivateKey } from 'node:crypto';
import {
  canonicalJson,
  createEd25519Signer,
  formatTlogProof,
  formatVerifierKey,
  hashLeaf,
  MemoryTree,
  sealLeaf,
  signCheckpoint,
} from '@app/tlog';
import { ATTESTATION_LEAF_TYPE, formatAttestationContent, formatLeafOpening } from './attestation-leaf.js';
import type { Bundle } from './bundle.js';
import { BUNDLE_FORMAT } from './bundle.js';
import { COMMITMENT_LEAF_TYPE } from './commitment-content.js';
import { encodeBytes } from './fields.js';
import type { KeySet } from './key-set.js';
import { attestationDigest } from './open.js';
import { ResultTally } from './recount.js';
import type { ResultLeaf } from './result-leaf.js';
import { formatResultLeaf, resultBlinds, resultTree } from './result-leaf.js';
import { signAttestation } from './sign.js';
import type { SigningKey } from './signing-key.js';
import { openSigningKey, publishKey } from './signing-key.js';
import type { Predicate, Statement, Verdict, VerdictCounts } from './statement.js';
import { makeStatement, VERDICTS } from './statement.js';

export const LEDGER = 'ledger.example';
const MODEL = 'mdl-news';
export const ORIGIN = `${LEDGER}/${MODEL}/commitments`;
export const EVENTS = `${LEDGER}/events`;
/** Commitments per request, in log order. */
const REQUEST_SIZES = [4, 3, 5, 1];
export const PREVIOUS_SIZE = 7;
export const KEYS_SINCE = '2026-10-01T00:00:00.000Z';
const PREVIOUS_AT = '2026-11-10T00:00:00.000Z';
export const VERIFIED_AT = '2026-11-20T00:00:00.000Z';
const EXPIRES_AT = '2027-02-20T00:00:00.000Z';
export const NOW = new Date('2026-11-23T00:00:00.000Z');

/** 32 bytes that depend on `label` alone. */
export function bytes32(label: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(label).digest());
}

/** A fixed Ed25519 key: `label`'s bytes behind the PKCS #8 prefix of an Ed25519 seed (RFC 8410 section 7). */
function fixedKey(label: string): SigningKey {
  const prefix = Buffer.from('302e020100300506032b657004220420', 'hex');
  const key = Buffer.concat([prefix, bytes32(label)]);
  return openSigningKey(createPrivateKey({ key, format: 'der', type: 'pkcs8' }).export({ format: 'jwk' }));
}

export const attestationKey = fixedKey('attestation key');
export const logKey = fixedKey('log key');
export const strangerKey = fixedKey('a stranger’s key');

/** The C2SP verifier key with which `key` signs all logs of the ledger. */
export function ledgerVkey(key: SigningKey): string {
  return formatVerifierKey(createEd25519Signer(LEDGER, key.privateKey));
}

/** The published key set: the ledger's attestation key and its log key. */
export function ledgerKeySet(): KeySet {
  const active = { status: 'active', notBefore: KEYS_SINCE } as const;
  return {
    keys: [
      publishKey(attestationKey.publicJwk, active),
      publishKey(logKey.publicJwk, active, ledgerVkey(logKey)),
    ],
  };
}

/** A checkpoint of `tree` at `size` signed for `origin`, the key name being the origin unless given. */
export function checkpointOf(
  tree: MemoryTree,
  origin: string,
  {
    size = tree.treeSize,
    name = origin,
    key = logKey,
  }: { size?: bigint; name?: string; key?: SigningKey } = {},
): string {
  const checkpoint = { origin, treeSize: size, rootHash: tree.root(size) };
  return signCheckpoint(checkpoint, [createEd25519Signer(name, key.privateKey)]);
}

export interface FixtureCommitment {
  readonly content: string;
  readonly salt: Uint8Array;
  readonly leaf: Uint8Array;
}

/** The commitments in log order; `change` edits the content of each before it is sealed. */
export function commitmentsOf(
  change: (content: Record<string, unknown>, index: number) => Record<string, unknown> = (c) => c,
): FixtureCommitment[] {
  const contents = REQUEST_SIZES.flatMap((of, r) =>
    Array.from({ length: of }, (_, i) => ({
      model: MODEL,
      request: `req-${r}`,
      sample: `sample-${r}-${i}`,
      position: i + 1,
      of,
      regime: 'GDPR',
      receivedAt: KEYS_SINCE,
      effectiveFrom: KEYS_SINCE,
    })),
  );
  return contents.map((fields, index) => {
    const content = canonicalJson(change(fields, index));
    const salt = bytes32(`salt ${index}`);
    return { content, salt, leaf: sealLeaf({ type: COMMITMENT_LEAF_TYPE, content, salt }) };
  });
}

/** One result per commitment; requests 0 to 2 are fine, `verdicts` replaces single ones. */
export function resultsOf(
  commitments: readonly FixtureCommitment[],
  verdicts: Readonly<Record<number, Verdict>> = {},
): ResultLeaf[] {
  return commitments.map(({ leaf }, i) => ({
    index: BigInt(i),
    leafHash: hashLeaf(leaf),
    verdict: verdicts[i] ?? 'NO_RESIDUAL_EVIDENCE',
    score: i === 5 ? null : 900_000 + i,
    pResidual: i === 5 ? null : 500_000,
    pMember: i === 5 ? null : 1_000,
    blind: resultBlinds(bytes32('result secret'), BigInt(i), 1),
  }));
}

export function countsOf(counts: Partial<VerdictCounts>): VerdictCounts {
  return { ...(Object.fromEntries(VERDICTS.map((v) => [v, 0])) as VerdictCounts), ...counts };
}

/** The predicate over the first `size` commitments. */
export function predicateOf(
  commitments: readonly FixtureCommitment[],
  results: readonly ResultLeaf[],
  overrides: Partial<Predicate> = {},
): Predicate {
  const tree = new MemoryTree(commitments.map(({ leaf }) => hashLeaf(leaf)));
  const tally = new ResultTally();
  for (const leaf of results) tally.add(leaf, formatResultLeaf(leaf));
  const summary = tally.summary();
  return {
    verifier: { id: 'https://lacuna.dev/verifier', version: '0.1.0' },
    model: { id: MODEL, name: 'news' },
    release: { id: 'rel-retrain', name: 'retrain', registeredAt: KEYS_SINCE },
    artifact: {
      kind: 'recorded-signals',
      digests: [{ name: 'losses.ndjson.gz', sha256: '1'.repeat(64) }],
      note: 'recorded by the platform; nothing binds them to the weights that are served',
    },
    commitmentLog: {
      origin: ORIGIN,
      treeSize: String(commitments.length),
      rootHash: encodeBytes(tree.root()),
      checkpoint: checkpointOf(tree, ORIGIN),
      consistency: null,
    },
    results: {
      treeSize: String(summary.treeSize),
      rootHash: encodeBytes(summary.rootHash),
      verdicts: { samples: summary.samples, requests: countsOf({ NO_RESIDUAL_EVIDENCE: 2 }) },
      scoreQuantiles: summary.scoreQuantiles,
    },
    profile: { id: 'prof-1', digest: '2'.repeat(64), parameters: { alpha: 0.01, levels: 1000 } },
    calibration: { mode: 'frozen', size: 1305, trustedUnder: 'rel-retrain' },
    controls: { size: 100 },
    requestTest: {
      groupTest: 'whole-clusters',
      assumption: 'A request is exchangeable with a cluster.',
      clusters: { calibration: 130, controls: 20 },
    },
    operatingFalsePositiveRate: 0.01,
    power: {
      perRequest: { rate: 1, low: 0.96, high: 1, groupSize: 10, trials: 100 },
      perSample: { rate: 0.67, low: 0.57, high: 0.76, trials: 100 },
      confidence: 0.95,
    },
    result: 'PASSED',
    reasons: [],
    warnings: [],
    work: { signalsRead: commitments.length, forwardPasses: 0 },
    verifiedAt: VERIFIED_AT,
    expiresAt: EXPIRES_AT,
    previousAttestation: null,
    ...overrides,
  };
}

/** The event log over attestations and the tlog-proof of each. */
export function logEvents(
  attestations: readonly { jws: string; statement: Statement }[],
  { origin = EVENTS, key = logKey }: { origin?: string; key?: SigningKey } = {},
): string[] {
  const entries = attestations.map(({ jws, statement }, i) => {
    const content = formatAttestationContent(jws, statement);
    const salt = bytes32(`event salt ${i}`);
    return { content, salt, leaf: sealLeaf({ type: ATTESTATION_LEAF_TYPE, content, salt }) };
  });
  const others = ['model', 'release'].map((label) => bytes32(label));
  const tree = new MemoryTree([...others, ...entries.map(({ leaf }) => hashLeaf(leaf)), bytes32('later')]);
  return entries.map((entry, i) => {
    const index = BigInt(others.length + i);
    return formatTlogProof({
      extra: formatLeafOpening(entry),
      leafIndex: index,
      proof: tree.proveInclusion(index),
      checkpoint: checkpointOf(tree, origin, { key }),
    });
  });
}

export interface FixtureOptions {
  readonly overrides?: Partial<Predicate>;
  readonly key?: SigningKey;
  readonly verdicts?: Readonly<Record<number, Verdict>>;
  readonly change?: Parameters<typeof commitmentsOf>[0];
}

/** Both attestations with all that proves them. The options shape the second one. */
export async function attest({
  overrides = {},
  key = attestationKey,
  verdicts,
  change,
}: FixtureOptions = {}) {
  const commitments = commitmentsOf(change);
  const tree = new MemoryTree(commitments.map(({ leaf }) => hashLeaf(leaf)));
  const before = commitments.slice(0, PREVIOUS_SIZE);
  const previousStatement = makeStatement(
    '3'.repeat(64),
    predicateOf(before, resultsOf(before), { verifiedAt: PREVIOUS_AT }),
  );
  const previousJws = await signAttestation(previousStatement, attestationKey);
  const results = resultsOf(commitments, verdicts);
  const base = predicateOf(commitments, results, {
    previousAttestation: { digest: attestationDigest(previousJws) },
  });
  const consistency = {
    fromSize: String(PREVIOUS_SIZE),
    fromRoot: encodeBytes(tree.root(BigInt(PREVIOUS_SIZE))),
    proof: tree.proveConsistency(BigInt(PREVIOUS_SIZE)).map(encodeBytes),
  };
  const predicate = { ...base, commitmentLog: { ...base.commitmentLog, consistency }, ...overrides };
  const statement = makeStatement('4'.repeat(64), predicate);
  const jws = await signAttestation(statement, key);
  const [previousProof = '', tlogProof = ''] = logEvents([
    { jws: previousJws, statement: previousStatement },
    { jws, statement },
  ]);
  return {
    commitments,
    tree,
    results,
    previousStatement,
    previousJws,
    previousProof,
    statement,
    jws,
    tlogProof,
  };
}

export type Fixture = Awaited<ReturnType<typeof attest>>;

/** The proof bundle of the commitments at `indexes` (request 2 by default: leaves 7 to 11). */
export function bundleOf(
  { commitments, tree, results, jws, tlogProof }: Fixture,
  indexes: readonly number[] = [7, 8, 9, 10, 11],
): Bundle {
  const resultLeaves = resultTree(results);
  return {
    format: BUNDLE_FORMAT,
    attestation: jws,
    attestationProof: tlogProof,
    commitments: indexes.map((i) => ({
      leafIndex: String(i),
      content: commitments[i]!.content,
      salt: encodeBytes(commitments[i]!.salt),
      leaf: Buffer.from(commitments[i]!.leaf).toString('utf8'),
      inclusionProof: tree.proveInclusion(BigInt(i)).map(encodeBytes),
      resultLeaf: formatResultLeaf(results[i]!),
      resultInclusionProof: resultLeaves.proveInclusion(BigInt(i)).map(encodeBytes),
    })),
    consistency: {
      checkpoint: checkpointOf(tree, ORIGIN, { size: 9n }),
      proof: tree.proveConsistency(9n).map(encodeBytes),
    },
  };
}
