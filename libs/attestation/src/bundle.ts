/**
 * The proof bundle of one deletion request: one JSON file with which a data subject checks, offline, that all
 * commitments of the request are in the log and in the attestation, and which verdict each got. It holds
 * nothing of anybody else but hashes of blinded or salted leaves. The file is canonical JSON and a newline, so
 * that any changed byte is refused. Proven by verify-bundle.spec.ts.
 */
import { canonicalJson, SALT_BYTES } from '@app/tlog';
import { z } from 'zod';
import { refusal } from './errors.js';
import { base64, decimal, hashPath } from './fields.js';
import type { Document } from './reading.js';
import { readCanonical, readShape } from './reading.js';

export const BUNDLE_FORMAT = 'lacuna-proof-bundle/v1';

/** About 3 KiB a commitment at 10^8 leaves: room for MAX_COMMITMENTS, and a bound for a hostile file. */
const MAX_BUNDLE_CHARACTERS = 128 * 2 ** 20;
/** More samples than one person's deletion request names. */
const MAX_COMMITMENTS = 32_768;
const MAX_NOTE_CHARACTERS = 65_536;

const commitmentSchema = z.strictObject({
  leafIndex: decimal,
  /** Canonical JSON of the commitment: what the salt opens. */
  content: z.string().min(2).max(65_536),
  salt: base64(SALT_BYTES),
  /** The log entry itself, canonical JSON. */
  leaf: z.string().min(2).max(1024),
  /** In the commitment log at the attested size. */
  inclusionProof: hashPath,
  resultLeaf: z.string().min(2).max(1024),
  /** In the result tree. */
  resultInclusionProof: hashPath,
});

const bundleSchema = z.strictObject({
  format: z.literal(BUNDLE_FORMAT),
  /** Compact JWS. */
  attestation: z.string().min(1),
  /** Text of the attestation's tlog-proof file. */
  attestationProof: z.string().min(1).max(MAX_NOTE_CHARACTERS),
  commitments: z.array(commitmentSchema).min(1).max(MAX_COMMITMENTS),
  /** From an earlier checkpoint, such as the receipt of the request, to the attested size. */
  consistency: z
    .strictObject({ checkpoint: z.string().min(1).max(MAX_NOTE_CHARACTERS), proof: hashPath })
    .exactOptional(),
});

export type Bundle = z.infer<typeof bundleSchema>;
export type BundleCommitment = z.infer<typeof commitmentSchema>;

const document: Document = { code: 'BUNDLE_MALFORMED', what: 'the bundle' };

/** The bundle's file text. @throws BUNDLE_MALFORMED */
export function formatBundle(bundle: Bundle): string {
  return `${canonicalJson(readShape(bundleSchema, bundle, document))}\n`;
}

/**
 * The bundle in a file's text, nothing verified.
 * @throws BUNDLE_TOO_LARGE, BUNDLE_MALFORMED (also when the file was reformatted)
 */
export function parseBundle(text: string): Bundle {
  if (text.length > MAX_BUNDLE_CHARACTERS)
    throw refusal('BUNDLE_TOO_LARGE', 'document', `longer than ${MAX_BUNDLE_CHARACTERS} characters`);
  if (!text.endsWith('\n'))
    throw refusal(
      'BUNDLE_MALFORMED',
      'document',
      'the bundle does not end with a newline: it was cut or changed',
    );
  return readCanonical(bundleSchema, text.slice(0, -1), document);
}
