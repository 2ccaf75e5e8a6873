/**
 * The event log's leaf of an attestation. The log holds a salted commitment only; what opens it travels in
 * the `extra` line of the attestation's tlog-proof, so that one file suffices offline. Proven by
 * verify.spec.ts.
 */
import { canonicalJson, checkInclusion, hashLeaf, parseTlogProof, SALT_BYTES, sealLeaf } from '@app/tlog';
import type { TlogProof } from '@app/tlog';
import { z } from 'zod';
import { refusal } from './errors.js';
import { base64, decodeHash, encodeBytes } from './fields.js';
import type { KeySet } from './key-set.js';
import { openLogCheckpoint } from './log-checkpoint.js';
import { attestationDigest } from './open.js';
import { readCanonical } from './reading.js';
import type { Statement } from './statement.js';
import { eventLogOrigin } from './statement.js';

/** The type of the event log leaf, in the leaf and in its content. */
export const ATTESTATION_LEAF_TYPE = 'attestation';

/** 65 hashes and a checkpoint with a hundred cosignatures fit; more is not read. */
const MAX_PROOF_CHARACTERS = 65_536;

/** What opens a salted leaf. */
export interface LeafOpening {
  /** Canonical JSON. */
  readonly content: string;
  readonly salt: Uint8Array;
}

/** The content of the event log leaf of an attestation: what the ledger seals and appends. */
export function formatAttestationContent(jws: string, { predicate }: Statement): string {
  return canonicalJson({
    type: ATTESTATION_LEAF_TYPE,
    attestationDigest: attestationDigest(jws),
    modelId: predicate.model.id,
    releaseId: predicate.release.id,
  });
}

/** The bytes of a tlog-proof's `extra` line that let an offline reader open the leaf. */
export function formatLeafOpening({ content, salt }: LeafOpening): Uint8Array {
  return Buffer.from(canonicalJson({ content, salt: encodeBytes(salt) }), 'utf8');
}

const openingSchema = z.strictObject({ content: z.string(), salt: base64(SALT_BYTES) });

/** The opening in an `extra` line. @throws ATTESTATION_NOT_LOGGED */
function parseLeafOpening(extra: Uint8Array): LeafOpening {
  const { content, salt } = readCanonical(openingSchema, Buffer.from(extra).toString('utf8'), {
    code: 'ATTESTATION_NOT_LOGGED',
    what: 'the leaf opening',
    where: 'tlogProof.extra',
  });
  return { content, salt: decodeHash(salt) };
}

/** What a checked log inclusion says. */
export interface LoggedAt {
  readonly origin: string;
  readonly leafIndex: bigint;
  readonly treeSize: bigint;
}

/**
 * Where in the ledger's event log the attestation is.
 * @param tlogProof text of a c2sp.org/tlog-proof@v1 file whose `extra` opens the leaf.
 * @throws ATTESTATION_NOT_LOGGED, and the checkpoint's own refusals.
 */
export function checkAttestationLogged(
  jws: string,
  statement: Statement,
  tlogProof: string,
  keySet: KeySet,
): LoggedAt {
  const { extra, leafIndex, proof, checkpoint: note } = readProof(tlogProof);
  const { content, salt } = parseLeafOpening(extra);
  if (content !== formatAttestationContent(jws, statement))
    throw refusal('ATTESTATION_NOT_LOGGED', 'tlogProof.extra', 'the proof is of another log entry');
  const { origin, treeSize, rootHash } = openLogCheckpoint(note, keySet, {
    origin: eventLogOrigin(statement.predicate),
    where: 'tlogProof.checkpoint',
    at: statement.predicate.verifiedAt,
    orLater: true,
  });
  const leafHash = hashLeaf(sealLeaf({ type: ATTESTATION_LEAF_TYPE, content, salt }));
  try {
    checkInclusion({ leafHash, leafIndex, treeSize, proof, rootHash });
  } catch (cause) {
    throw refusal(
      'ATTESTATION_NOT_LOGGED',
      'tlogProof',
      'the event log does not hold the attestation',
      cause,
    );
  }
  return { origin, leafIndex, treeSize };
}

function readProof(text: string): TlogProof & { extra: Uint8Array } {
  if (text.length > MAX_PROOF_CHARACTERS)
    throw refusal('ATTESTATION_NOT_LOGGED', 'tlogProof', 'the proof is longer than any real one');
  let proof: TlogProof;
  try {
    proof = parseTlogProof(text);
  } catch (cause) {
    throw refusal('ATTESTATION_NOT_LOGGED', 'tlogProof', 'the proof is malformed', cause);
  }
  const { extra } = proof;
  if (extra === undefined)
    throw refusal('ATTESTATION_NOT_LOGGED', 'tlogProof.extra', 'the proof does not open its leaf');
  return { ...proof, extra };
}
