export type { AttestationAccount, BundleAccount, BundledCommitment } from './account.js';
export { formatAccount, formatRefusal } from './account.js';
export { ATTESTATION_LEAF_TYPE, formatAttestationContent, formatLeafOpening } from './attestation-leaf.js';
export type { Bundle, BundleCommitment } from './bundle.js';
export { BUNDLE_FORMAT, formatBundle, parseBundle } from './bundle.js';
export type { Check } from './check.js';
export type { CommitmentContent } from './commitment-content.js';
export { COMMITMENT_LEAF_TYPE, parseCommitmentContent } from './commitment-content.js';
export { AttestationError, type AttestationErrorCode } from './errors.js';
export type { Algorithm, KeySet, KeySetEntry, PublicJwk } from './key-set.js';
export { formatKeySet, parseKeySet } from './key-set.js';
export { attestationDigest, openAttestation, openDsse } from './open.js';
export type { ResultSummary } from './recount.js';
export { recountResults, LeafTally, ResultTally } from './recount.js';
export type { ResultLeaf } from './result-leaf.js';
export {
  BLIND_BYTES,
  formatResultLeaf,
  hashResultLeaf,
  parseResultLeaf,
  resultBlinds,
  resultTree,
} from './result-leaf.js';
export { ResultLeafBlock } from './result-leaf-block.js';
export { ATTESTATION_TYP, signAttestation, signDsse } from './sign.js';
export type { PrivateJwk, SigningKey } from './signing-key.js';
export { generatePrivateJwk, openSigningKey, publishKey } from './signing-key.js';
export type { Predicate, ScoreQuantiles, Statement, Verdict, VerdictCounts } from './statement.js';
export { makeStatement, parseStatement, PREDICATE_TYPE, VERDICTS } from './statement.js';
export { verifyAttestation, type AttestationEvidence } from './verify.js';
export { verifyBundle } from './verify-bundle.js';
