export { writeBase64 } from './base64.js';
export { canonicalJson } from './canonical-json.js';
export {
  type Checkpoint,
  formatCheckpoint,
  openCheckpoint,
  type OpenedCheckpoint,
  parseCheckpoint,
  signCheckpoint,
} from './checkpoint.js';
export { CompactRange } from './compact-range.js';
export { checkConsistency, type ConsistencyClaim } from './consistency-proof.js';
export { cosignatureTime, createCosignatureVerifier, createCosigner } from './cosignature.js';
export { createEd25519Signer, createEd25519Verifier, type Ed25519Signer } from './ed25519.js';
export { formatEntryBundle, MAX_ENTRY_BYTES, parseEntryBundle } from './entry-bundle.js';
export { TlogError, type TlogErrorCode } from './errors.js';
export { LeafBatch } from './leaf-batch.js';
export { LeafSealer } from './leaf-sealer.js';
export { EMPTY_ROOT, HASH_BYTES, hashLeaf, hashNode } from './hash.js';
export { checkInclusion, type InclusionClaim } from './inclusion-proof.js';
export {
  formatPolicy,
  isQuorumMet,
  NO_QUORUM,
  openWitnessedCheckpoint,
  parsePolicy,
  type Policy,
  type PolicyGroup,
  type PolicyLog,
  type PolicyWitness,
  type WitnessedCheckpoint,
} from './policy.js';
export {
  checkLeafOpening,
  type LeafOpening,
  parseSaltedLeaf,
  type SaltedLeaf,
  sealLeaf,
} from './salted-leaf.js';
export { SALT_BYTES } from './salted-leaf.js';
export { BLOCK_BYTES, type Digests, HashLanes, type Messages, paddedBlocks } from './sha256-lanes.js';
export { SIGNATURE_TYPES } from './signature-type.js';
export {
  addNoteSignatures,
  formatNote,
  formatNoteSignature,
  type Note,
  type NoteSignature,
  type NoteSigner,
  type NoteVerifier,
  openNote,
  type OpenedNote,
  parseNote,
  signNote,
} from './signed-note.js';
export {
  type EntryBundleCoordinates,
  edgeTiles,
  formatEntryBundlePath,
  formatTilePath,
  parseEntryBundlePath,
  parseTilePath,
  type Tile,
  TILE_HEIGHT,
  TILE_WIDTH,
  tileAt,
  type TileCoordinates,
} from './tile.js';
export { type AppendedTiles, type TileAppend, TileBuilder, tilesForAppend } from './tile-append.js';
export {
  proveConsistencyFromTiles,
  proveInclusionFromTiles,
  rootFromTiles,
  type TileReader,
  treeEdge,
  type TreeEdge,
} from './tile-proof.js';
export { MemoryTree, rootOf } from './tree.js';
export {
  createVerifierKey,
  formatVerifierKey,
  type NamedPublicKey,
  parseVerifierKey,
  type VerifierKey,
} from './verifier-key.js';
export {
  type CheckedTlogProof,
  checkTlogProof,
  formatTlogProof,
  parseTlogProof,
  type TlogProof,
  type TlogProofClaim,
} from './tlog-proof.js';
export {
  type AcceptedCheckpoint,
  type AddCheckpointRequest,
  checkAddCheckpoint,
  type Cosignature,
  formatAddCheckpointRequest,
  formatAddCheckpointResponse,
  formatSizeConflict,
  MAX_CONSISTENCY_HASHES,
  parseAddCheckpointRequest,
  parseAddCheckpointResponse,
  type ParsedAddCheckpointRequest,
  parseSizeConflict,
  SIZE_CONFLICT_CONTENT_TYPE,
  type WitnessedTree,
} from './witness.js';
