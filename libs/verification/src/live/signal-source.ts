/**
 * Where signals of live models come from, and under which name they are kept. Pure; proven by signal-source.spec.ts, and
 * by test/medium/migrator.spec.ts: a migration gave signals that were known before the same names.
 */
import { createHash } from 'node:crypto';
import { ENDPOINT_RUNTIMES } from '../endpoint-runtimes.js';

/** Digests are SHA-256 in lowercase hexadecimal. */
export interface SignalSource {
  readonly artifactDigest: string;
  /** Signals are cached under it. */
  readonly sourceDigest: string;
}

/** What always gives the same signals: files, and a reference as it was when it was measured. */
export function fixedSource(artifactDigest: string): SignalSource {
  return { artifactDigest, sourceDigest: artifactDigest };
}

/**
 * A release. The digest of one behind an endpoint binds an address alone, so nothing is known of it from another release
 * with the same address, nor from before what answers there changed.
 * @param generation how often that is known to have happened since the release was registered
 */
export function releaseSource(
  {
    artifactDigest,
    releaseId,
    runtime,
  }: { readonly artifactDigest: string; readonly releaseId: string; readonly runtime: string },
  generation: number,
): SignalSource {
  if (!ENDPOINT_RUNTIMES.has(runtime)) return fixedSource(artifactDigest);
  const name = `endpoint ${artifactDigest} ${releaseId} ${generation}`;
  return { artifactDigest, sourceDigest: createHash('sha256').update(name).digest('hex') };
}
