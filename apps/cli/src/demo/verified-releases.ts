/** Waits for the verifications that follow from registering, then downloads and checks what they attested. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { KeySet } from '@app/attestation';
import { CliError } from '../errors.js';
import { verifyFile } from '../verify-file.js';
import type { ApiClient } from './api-client.js';
import type { RegisteredRelease } from './registrar.js';
import type { Stage } from './stage.js';

const POLL_MS = 250;
/** A demo's own bound: a release takes seconds. */
const TIMEOUT_MS = 300_000;

export interface Rate {
  readonly rate: number;
  readonly low: number;
  readonly high: number;
}

export interface ReleaseOutcome {
  readonly result: string;
  readonly reasons: readonly string[];
  readonly requestCounts: readonly { readonly verdict: string; readonly count: number }[];
  readonly sampleCounts: readonly { readonly verdict: string; readonly count: number }[];
  readonly power: { readonly perRequest: Rate; readonly perSample: Rate } | null;
  readonly operatingFalsePositiveRate: number;
  readonly auc: number | null;
  readonly work: {
    readonly signalsRead: number;
    /** Samples that went through live models, of which through the release and through references. */
    readonly forwardPasses: number;
    readonly targetPasses: number;
    readonly referencePasses: number;
    readonly seconds: number;
  };
}

interface VerificationNode {
  readonly id: string;
  readonly progress: {
    readonly status: string;
    readonly blocksDone: number;
    readonly blocksTotal: number;
    readonly errorCode: string | null;
    readonly errorMessage: string | null;
  };
  readonly outcome: ReleaseOutcome | null;
  readonly attestation: { readonly id: string } | null;
}

const NOT_PLANNED: Omit<VerificationNode, 'id'> = {
  progress: { status: 'WAITING', blocksDone: 0, blocksTotal: 0, errorCode: null, errorMessage: null },
  outcome: null,
  attestation: null,
};

const VERIFICATIONS = `query ($releaseId: ID!) {
  verifications(releaseId: $releaseId, first: 1) { edges { node {
    id
    progress { status blocksDone blocksTotal errorCode errorMessage }
    outcome {
      result reasons auc operatingFalsePositiveRate
      requestCounts { verdict count } sampleCounts { verdict count }
      power { perRequest { rate low high } perSample { rate low high } }
      work { signalsRead forwardPasses targetPasses referencePasses seconds }
    }
    attestation { id }
  } } }
}`;

export interface VerifiedRelease {
  readonly release: RegisteredRelease;
  readonly outcome: ReleaseOutcome;
  readonly attestationId: string;
}

/** @throws CliError `CLI_API_REFUSED` for a failed verification, `CLI_TIMEOUT` */
export async function awaitVerification(
  auditor: ApiClient,
  release: RegisteredRelease,
  { say, processes }: Pick<Stage, 'say' | 'processes'>,
): Promise<VerifiedRelease> {
  const deadline = Date.now() + TIMEOUT_MS;
  for (let last = ''; ;) {
    processes.ensureRunning();
    const { verifications } = await auditor.graphql<{
      verifications: { edges: { node: VerificationNode }[] };
    }>(VERIFICATIONS, { releaseId: release.releaseId });
    const { outcome, attestation, progress } = verifications.edges[0]?.node ?? NOT_PLANNED;
    if (attestation && outcome) {
      say(`release ${release.name}: ${outcome.result}`);
      return { release, outcome, attestationId: attestation.id };
    }
    const { status, blocksDone, blocksTotal, errorCode, errorMessage } = progress;
    if (status === 'FAILED')
      throw new CliError(
        'CLI_API_REFUSED',
        `the verification of ${release.name} failed: ${errorCode}: ${errorMessage}`,
      );
    const now = `release ${release.name}: ${status.toLowerCase()}, ${blocksDone} of ${blocksTotal} blocks`;
    if (now !== last) say(now);
    last = now;
    if (Date.now() > deadline)
      throw new CliError('CLI_TIMEOUT', `the verification of ${release.name} is still ${status}`);
    await delay(POLL_MS);
  }
}

export interface ReleaseFiles {
  readonly attestation: string;
  readonly tlogProof: string;
  readonly results: string;
  readonly bundle: string;
}

/** Attestation, proof, results, and the bundle of one deletion request, below `directory`. */
export async function downloadFiles(
  auditor: ApiClient,
  verified: VerifiedRelease,
  requestId: string,
  directory: string,
): Promise<ReleaseFiles> {
  const { attestationId, release } = verified;
  const file = (suffix: string) => join(directory, `${release.name}.${suffix}`);
  const files = {
    attestation: file('attestation.jws'),
    tlogProof: file('tlog-proof'),
    results: file('results.ndjson'),
    bundle: file('bundle.json'),
  };
  await auditor.download(`/v1/attestations/${attestationId}`, files.attestation);
  await auditor.download(`/v1/attestations/${attestationId}/tlog-proof`, files.tlogProof);
  await auditor.download(`/v1/attestations/${attestationId}/results`, files.results);
  await auditor.download(
    `/v1/deletion-requests/${requestId}/bundle?attestation=${attestationId}`,
    files.bundle,
  );
  return files;
}

/**
 * Offline: from the files and the key set alone. Returns the number of checks made.
 * @throws AttestationError for anything that does not hold
 */
export async function verifyOffline(
  files: ReleaseFiles,
  keySet: KeySet,
  previous: string | undefined,
): Promise<number> {
  const now = new Date();
  const attestation = await verifyFile(files.attestation, {
    keySet,
    now,
    results: files.results,
    proof: files.tlogProof,
    ...(previous ? { previous } : {}),
  });
  const bundle = await verifyFile(files.bundle, { keySet, now });
  return [...attestation.checks, ...bundle.checks].filter((check) => check.outcome === 'ok').length;
}
