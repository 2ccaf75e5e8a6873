/**
 * Verification of a proof bundle, offline. Each commitment is opened, found in the commitment log, and its
 * result found in the result tree, all under the roots that one verified attestation signs; together they
 * must be every commitment of one request. Proven by verify-bundle.spec.ts, one case an attack.
 */
import { checkInclusion, checkLeafOpening, hashLeaf } from '@app/tlog';
import type { BundleAccount, BundledCommitment } from './account.js';
import type { Bundle, BundleCommitment } from './bundle.js';
import type { Checklist } from './checklist.js';
import { withChecklist } from './checklist.js';
import type { CommitmentContent } from './commitment-content.js';
import { COMMITMENT_LEAF_TYPE, parseCommitmentContent } from './commitment-content.js';
import type { AttestationErrorCode } from './errors.js';
import { refusal } from './errors.js';
import { decodeHash, decodePath, encodeBytes } from './fields.js';
import type { KeySet } from './key-set.js';
import { openLogCheckpoint } from './log-checkpoint.js';
import type { ResultLeaf } from './result-leaf.js';
import { hashResultLeaf, parseResultLeaf } from './result-leaf.js';
import type { Predicate } from './statement.js';
import { checkTreeGrowth, verifyAttestation } from './verify.js';

export interface BundleEvidence {
  readonly keySet: KeySet;
  /** The reader's time. */
  readonly now: Date;
}

/**
 * What the bundle proves, check by check.
 * @throws AttestationError; `details.where` names the part, such as `commitments[3].inclusionProof`.
 */
export async function verifyBundle(bundle: Bundle, { keySet, now }: BundleEvidence): Promise<BundleAccount> {
  return withChecklist(async (checklist) => {
    const tlogProof = bundle.attestationProof;
    const attestation = await verifyAttestation(bundle.attestation, { keySet, now, tlogProof });
    checklist.adopt(attestation.checks);
    const { predicate } = attestation.statement;
    const opened = bundle.commitments.map((commitment, i) => openCommitment(commitment, i, predicate));
    checklist.ok('commitments', `${opened.length} opened and in the log of ${predicate.model.id}`);
    checklist.ok('verdicts', `${opened.length} results in the attested result tree`);
    const request = checkRequest(opened, predicate.model.id);
    checklist.ok('request', `all ${opened.length} commitments of request ${request} are here`);
    checkReceipt(bundle.consistency, predicate, keySet, checklist);
    const commitments = opened.map(describe);
    return { kind: 'bundle', attestation, request, commitments, checks: checklist.checks };
  });
}

interface OpenedCommitment {
  readonly content: CommitmentContent;
  readonly result: ResultLeaf;
}

/** The commitment with its result, both found under the attested roots. */
function openCommitment(commitment: BundleCommitment, i: number, predicate: Predicate): OpenedCommitment {
  const at = (field: keyof BundleCommitment): string => `commitments[${i}].${field}`;
  const content = parseCommitmentContent(commitment.content, at('content'));
  const leaf = Buffer.from(commitment.leaf, 'utf8');
  const invalid = 'BUNDLE_COMMITMENT_INVALID';
  guard(invalid, at('salt'), 'content and salt do not open the leaf', () =>
    checkLeafOpening(leaf, {
      type: COMMITMENT_LEAF_TYPE,
      content: commitment.content,
      salt: decodeHash(commitment.salt),
    }),
  );
  const leafHash = hashLeaf(leaf);
  const leafIndex = BigInt(commitment.leafIndex);
  guard(invalid, at('inclusionProof'), 'the attested commitment log does not hold the leaf there', () =>
    checkInclusion({
      leafHash,
      leafIndex,
      treeSize: BigInt(predicate.commitmentLog.treeSize),
      proof: decodePath(commitment.inclusionProof),
      rootHash: decodeHash(predicate.commitmentLog.rootHash),
    }),
  );
  const result = parseResultLeaf(commitment.resultLeaf, at('resultLeaf'), 'BUNDLE_RESULT_INVALID');
  if (result.index !== leafIndex || encodeBytes(result.leafHash) !== encodeBytes(leafHash))
    throw refusal('BUNDLE_RESULT_INVALID', at('resultLeaf'), 'the result is of another commitment');
  guard('BUNDLE_RESULT_INVALID', at('resultInclusionProof'), 'the attested results do not hold it', () =>
    checkInclusion({
      leafHash: hashResultLeaf(commitment.resultLeaf),
      leafIndex,
      treeSize: BigInt(predicate.results.treeSize),
      proof: decodePath(commitment.resultInclusionProof),
      rootHash: decodeHash(predicate.results.rootHash),
    }),
  );
  return { content, result };
}

function guard(code: AttestationErrorCode, where: string, message: string, check: () => void): void {
  try {
    check();
  } catch (cause) {
    throw refusal(code, where, `${where}: ${message}`, cause);
  }
}

/** The one request whose every commitment, 1 to `of` in order, is here. @throws BUNDLE_MIXED, BUNDLE_INCOMPLETE */
function checkRequest(opened: readonly OpenedCommitment[], modelId: string): string {
  const { request, of } = opened[0]!.content;
  const indexes = new Set<bigint>();
  for (const [i, { content, result }] of opened.entries()) {
    const where = `commitments[${i}].content`;
    if (content.model !== modelId)
      throw refusal('BUNDLE_MIXED', where, `${where}: a commitment for another model`);
    if (content.request !== request || content.of !== of)
      throw refusal('BUNDLE_MIXED', where, `${where}: a commitment of another request`);
    if (content.position !== i + 1 || indexes.has(result.index))
      throw refusal(
        'BUNDLE_INCOMPLETE',
        where,
        `${where}: number ${content.position} of the request where ${i + 1} belongs`,
      );
    indexes.add(result.index);
  }
  if (opened.length !== of)
    throw refusal(
      'BUNDLE_INCOMPLETE',
      'commitments',
      `the request has ${of} commitments, the bundle holds ${opened.length}`,
    );
  return request;
}

/** Checks the optional receipt: an earlier checkpoint of the same log of which the attested one is a continuation. */
function checkReceipt(
  consistency: Bundle['consistency'],
  { commitmentLog, verifiedAt }: Predicate,
  keySet: KeySet,
  checklist: Checklist,
): void {
  if (consistency === undefined) {
    checklist.skipped('receipt', 'no earlier checkpoint in the bundle');
    return;
  }
  const { origin, treeSize, rootHash } = commitmentLog;
  const receipt = openLogCheckpoint(consistency.checkpoint, keySet, {
    origin,
    where: 'consistency.checkpoint',
    at: verifiedAt,
    orLater: false,
  });
  checkTreeGrowth(
    {
      fromSize: String(receipt.treeSize),
      fromRoot: encodeBytes(receipt.rootHash),
      toSize: treeSize,
      toRoot: rootHash,
      proof: consistency.proof,
    },
    (cause) =>
      refusal(
        'BUNDLE_CONSISTENCY_BROKEN',
        'consistency.proof',
        'the log was not only appended to since the earlier checkpoint',
        cause,
      ),
  );
  checklist.ok('receipt', `the log only grew, from ${receipt.treeSize} to ${treeSize} commitments`);
}

function describe({ content, result }: OpenedCommitment): BundledCommitment {
  const { sample, position } = content;
  const { index, verdict, score, pResidual, pMember } = result;
  return { leafIndex: String(index), sample, position, verdict, score, pResidual, pMember };
}
