import { AttestationError, formatAccount, formatRefusal } from '@app/attestation';
import type { AttestationAccount, BundleAccount } from '@app/attestation';
import { CodedError } from '@app/errors';
import { CliError } from '../errors.js';
import { readKeySet } from '../read-input.js';
import { verifyFile } from '../verify-file.js';

export interface VerifyRequest {
  readonly keys: string;
  readonly results?: string;
  readonly proof?: string;
  readonly previous?: string;
  readonly at?: string;
  readonly json?: true;
}

/** Verifies and prints; true when everything that could be checked holds. */
export async function runVerify(file: string, request: VerifyRequest): Promise<boolean> {
  const { keys, at, json, ...evidence } = request;
  try {
    const account = await verifyFile(file, { ...evidence, keySet: await readKeySet(keys), now: timeOf(at) });
    process.stdout.write(json ? `${JSON.stringify(asJson(account))}\n` : formatAccount(account));
    return true;
  } catch (error) {
    if (!isCoded(error)) throw error;
    process.stdout.write(json ? `${JSON.stringify(refusalAsJson(error))}\n` : refusalText(error));
    return false;
  }
}

function timeOf(at: string | undefined): Date {
  const now = at === undefined ? new Date() : new Date(at);
  if (Number.isNaN(now.getTime()))
    throw new CliError('CLI_TIME_INVALID', `--at ${at} is not a time; write it like 2026-01-31T12:00:00Z`);
  return now;
}

const isCoded = (error: unknown): error is CodedError => error instanceof CodedError;

const refusalText = (error: CodedError): string =>
  error instanceof AttestationError
    ? formatRefusal(error)
    : `REFUSED\n  failed   ${error.code}: ${error.message}\n`;

function refusalAsJson(error: CodedError): object {
  const { code, message, details } = error;
  const checks = error instanceof AttestationError ? error.passed : [];
  return { verified: false, code, message, where: details['where'] ?? null, checks };
}

function asJson(account: AttestationAccount | BundleAccount): object {
  const attestation = account.kind === 'bundle' ? account.attestation : account;
  const { predicate } = attestation.statement;
  const { result, reasons, model, release, verifiedAt, expiresAt } = predicate;
  return {
    verified: true,
    kind: account.kind,
    digest: attestation.digest,
    result,
    reasons,
    model,
    release,
    treeSize: predicate.commitmentLog.treeSize,
    verdicts: predicate.results.verdicts,
    verifiedAt,
    expiresAt,
    ...(account.kind === 'bundle' ? { request: account.request, commitments: account.commitments } : {}),
    checks: account.checks,
  };
}
