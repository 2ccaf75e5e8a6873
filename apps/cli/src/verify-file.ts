/** Offline verification of one file, attestation or proof bundle; used by `lacuna verify` and by the demo. */
import {
  type AttestationAccount,
  type BundleAccount,
  type KeySet,
  parseBundle,
  verifyAttestation,
  verifyBundle,
} from '@app/attestation';
import { readLines, readText, readTextIfPresent } from './read-input.js';

export interface VerifyOptions {
  readonly keySet: KeySet;
  readonly now: Date;
  /** File with all N result leaves, one a line, gzip or not. */
  readonly results?: string;
  /** tlog-proof file; by default the one that lies beside the attestation under the same name. */
  readonly proof?: string;
  /** The predecessor's file. */
  readonly previous?: string;
}

/** @throws AttestationError, CliError `CLI_FILE_UNREADABLE` */
export async function verifyFile(
  path: string,
  options: VerifyOptions,
): Promise<AttestationAccount | BundleAccount> {
  const text = await readText(path);
  const { keySet, now } = options;
  // A bundle is checked to the last byte; a JWS may come with the newline of an editor.
  if (text.startsWith('{')) return verifyBundle(parseBundle(text), { keySet, now });
  const tlogProof = options.proof
    ? await readText(options.proof)
    : await readTextIfPresent(proofBeside(path));
  return verifyAttestation(text.trim(), {
    keySet,
    now,
    ...(tlogProof === undefined ? {} : { tlogProof }),
    ...(options.previous ? { previousJws: (await readText(options.previous)).trim() } : {}),
    ...(options.results ? { results: readLines(options.results) } : {}),
  });
}

/** `x.jws` and `x.tlog-proof` are downloaded together. */
const proofBeside = (path: string): string => path.replace(/(\.attestation)?\.[^./\\]+$/, '.tlog-proof');
