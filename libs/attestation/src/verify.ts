/**
 * Verification of an attestation, offline: from the compact JWS, the key set and the current time alone, plus
 * whatever proofs the reader holds. It throws at the first thing that does not hold and otherwise returns an
 * account of everything that was checked and of what could not be. Proven by verify.spec.ts, one case an attack.
 */
import { invariant } from '@app/errors';
import { checkConsistency, EMPTY_ROOT } from '@app/tlog';
import type { AttestationAccount } from './account.js';
import { checkAttestationLogged } from './attestation-leaf.js';
import type { Checklist } from './checklist.js';
import { withChecklist } from './checklist.js';
import { refusal } from './errors.js';
import { decodeHash, decodePath, encodeBytes } from './fields.js';
import type { KeySet } from './key-set.js';
import { openLogCheckpoint } from './log-checkpoint.js';
import { openAttestation } from './open.js';
import { recountResults } from './recount.js';
import type { Predicate, Statement } from './statement.js';
import { total } from './statement.js';

/**
 * How far the signer's clock may be ahead of the reader's: less would refuse fresh attestations between
 * ordinary machines, more would let one be dated visibly into the future.
 */
const CLOCK_SKEW_MS = 60_000;

export interface AttestationEvidence {
  readonly keySet: KeySet;
  /** The reader's time. */
  readonly now: Date;
  /** Text of the attestation's c2sp.org/tlog-proof@v1 file: that the event log holds it. */
  readonly tlogProof?: string;
  /** The attestation that this one names as its predecessor. */
  readonly previousJws?: string;
  /** All N result leaves, one a line: recounted when given. */
  readonly results?: AsyncIterable<string> | Iterable<string>;
}

/**
 * What the attestation proves, check by check.
 * @throws AttestationError; its `passed` holds the checks before the one that failed.
 */
export async function verifyAttestation(
  jws: string,
  evidence: AttestationEvidence,
): Promise<AttestationAccount> {
  return withChecklist(async (checklist) => {
    const { keySet, now } = evidence;
    const { statement, key, digest } = await openAttestation(jws, keySet);
    checklist.ok('signature', `${key.alg} by ${key['lacuna:status']} key ${key.kid}`);
    checklist.ok('statement', `${statement.predicate.result} for release ${statement.predicate.release.id}`);
    checkValidity(statement.predicate, now, checklist);
    checkCheckpoint(statement.predicate, keySet, checklist);
    checkCompletenessEquality(statement.predicate, checklist);
    checkGrowth(statement.predicate, checklist);
    await checkPrevious(statement, evidence, checklist);
    checkLogged(jws, statement, evidence, checklist);
    await checkResults(statement, evidence, checklist);
    return { kind: 'attestation', digest, statement, checks: checklist.checks };
  });
}

function checkValidity({ verifiedAt, expiresAt }: Predicate, now: Date, checklist: Checklist): void {
  // Every comparison with an invalid date is false: without this line it would pass as valid for ever.
  invariant(!Number.isNaN(now.getTime()), 'the current time is a valid date');
  if (Date.parse(verifiedAt) > now.getTime() + CLOCK_SKEW_MS)
    throw refusal(
      'ATTESTATION_NOT_YET_VALID',
      'predicate.verifiedAt',
      `dated into the future, ${verifiedAt}`,
    );
  if (Date.parse(expiresAt) <= now.getTime())
    throw refusal(
      'ATTESTATION_EXPIRED',
      'predicate.expiresAt',
      `expired at ${expiresAt}; ask for the model's current attestation`,
    );
  checklist.ok('validity', `verified ${verifiedAt}, expires ${expiresAt}`);
}

function checkCheckpoint(
  { commitmentLog, verifiedAt }: Predicate,
  keySet: KeySet,
  checklist: Checklist,
): void {
  const where = 'predicate.commitmentLog.checkpoint';
  const { origin, treeSize, rootHash } = commitmentLog;
  const checkpoint = openLogCheckpoint(commitmentLog.checkpoint, keySet, {
    origin,
    where,
    at: verifiedAt,
    orLater: false,
  });
  if (String(checkpoint.treeSize) !== treeSize || encodeBytes(checkpoint.rootHash) !== rootHash)
    throw refusal('ATTESTATION_CHECKPOINT_INVALID', where, 'the signed checkpoint is of another tree');
  checklist.ok('checkpoint', `${treeSize} commitments in ${origin}`);
}

/** `parseStatement` refused anything else; noted here because it is what the document is for. */
function checkCompletenessEquality({ commitmentLog, results }: Predicate, checklist: Checklist): void {
  checklist.ok(
    'completeness',
    `${commitmentLog.treeSize} commitments, ${results.treeSize} results, ` +
      `${total(results.verdicts.samples)} verdicts`,
  );
}

function checkGrowth({ commitmentLog }: Predicate, checklist: Checklist): void {
  const { consistency, treeSize, rootHash } = commitmentLog;
  if (consistency === null) {
    checklist.ok('consistency', 'the first attestation of this model: nothing to be consistent with');
    return;
  }
  const { fromSize, fromRoot, proof } = consistency;
  checkTreeGrowth({ fromSize, fromRoot, toSize: treeSize, toRoot: rootHash, proof }, (cause) =>
    refusal(
      'ATTESTATION_CONSISTENCY_BROKEN',
      'predicate.commitmentLog.consistency',
      'the commitment log was not only appended to since the previous attestation',
      cause,
    ),
  );
  checklist.ok('consistency', `the log only grew, from ${fromSize} to ${treeSize} commitments`);
}

/** Sizes as decimal strings, hashes in base64, all of checked shape. */
export interface TreeGrowth {
  readonly fromSize: string;
  readonly fromRoot: string;
  readonly toSize: string;
  readonly toRoot: string;
  readonly proof: readonly string[];
}

/**
 * Returns when the older tree is a prefix of the newer one; the empty tree, of which RFC 6962 knows no proof,
 * is a prefix of every tree.
 * @throws what `broken` makes of the reason.
 */
export function checkTreeGrowth(growth: TreeGrowth, broken: (cause?: unknown) => Error): void {
  const { fromSize, fromRoot, toSize, toRoot, proof } = growth;
  if (fromSize === '0') {
    if (fromRoot !== encodeBytes(EMPTY_ROOT) || proof.length > 0) throw broken();
    return;
  }
  try {
    checkConsistency({
      fromSize: BigInt(fromSize),
      fromRoot: decodeHash(fromRoot),
      toSize: BigInt(toSize),
      toRoot: decodeHash(toRoot),
      proof: decodePath(proof),
    });
  } catch (cause) {
    throw broken(cause);
  }
}

async function checkPrevious(
  { predicate }: Statement,
  { keySet, previousJws }: AttestationEvidence,
  checklist: Checklist,
): Promise<void> {
  if (predicate.previousAttestation === null) {
    if (previousJws !== undefined)
      throw refusal(
        'ATTESTATION_PREVIOUS_MISMATCH',
        'predicate.previousAttestation',
        'a predecessor was given, but the attestation claims to be the first of its model',
      );
    checklist.ok('previous', 'claims to be the first attestation of this model');
    return;
  }
  const { digest } = predicate.previousAttestation;
  if (previousJws === undefined) {
    checklist.skipped('previous', `sha256:${digest} was not given`);
    return;
  }
  const previous = await openAttestation(previousJws, keySet);
  checkSuccession(predicate, previous.statement.predicate, previous.digest);
  checklist.ok('previous', `follows sha256:${digest}`);
}

function checkSuccession(predicate: Predicate, previous: Predicate, previousDigest: string): void {
  const mismatch = (field: string, message: string) =>
    refusal('ATTESTATION_PREVIOUS_MISMATCH', `predicate.${field}`, message);
  if (predicate.previousAttestation?.digest !== previousDigest)
    throw mismatch('previousAttestation.digest', 'the given predecessor is not the one named');
  if (
    predicate.model.id !== previous.model.id ||
    predicate.commitmentLog.origin !== previous.commitmentLog.origin
  )
    throw mismatch('model.id', 'the predecessor is of another model');
  if (predicate.verifiedAt < previous.verifiedAt)
    throw mismatch('verifiedAt', 'the predecessor is younger than its successor');
  const { consistency } = predicate.commitmentLog;
  const { treeSize, rootHash } = previous.commitmentLog;
  if (consistency?.fromSize !== treeSize || consistency.fromRoot !== rootHash)
    throw mismatch(
      'commitmentLog.consistency',
      'the consistency proof does not start at the predecessor’s tree',
    );
}

function checkLogged(
  jws: string,
  statement: Statement,
  { keySet, tlogProof }: AttestationEvidence,
  checklist: Checklist,
): void {
  if (tlogProof === undefined) {
    checklist.skipped('logged', 'no tlog-proof was given: whether the event log holds it is not known');
    return;
  }
  const { origin, leafIndex, treeSize } = checkAttestationLogged(jws, statement, tlogProof, keySet);
  checklist.ok('logged', `entry ${leafIndex} of ${treeSize} in ${origin}`);
}

async function checkResults(
  statement: Statement,
  { results }: AttestationEvidence,
  checklist: Checklist,
): Promise<void> {
  if (results === undefined) {
    checklist.skipped('results', 'no results were given: nothing was recounted');
    return;
  }
  const { treeSize } = await recountResults(results, statement);
  checklist.ok('results', `all ${treeSize} recounted: both roots, every verdict, the quantiles`);
}
