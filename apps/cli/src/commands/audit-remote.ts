import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { parseKeySet } from '@app/attestation';
import { createEd25519Verifier, type NoteVerifier, parsePolicy, parseVerifierKey } from '@app/tlog';
import { CliError } from '../errors.js';
import { readSource, readText } from '../read-input.js';
import { HttpLog } from '../remote-audit/http-log.js';
import { auditRemoteLog, type RemoteAuditReport } from '../remote-audit/remote-audit.js';

export interface RemoteAuditRequest {
  /** Address of the log: its resources are below it. */
  readonly url: string;
  readonly keys?: string;
  readonly origin?: string;
  /** File of a kept checkpoint. */
  readonly from?: string;
  /** File that the audited checkpoint is kept in, when nothing was found. */
  readonly keep?: string;
  /** tlog-policy whose quorum must have cosigned. */
  readonly policy?: string;
  readonly json?: true;
}

/** Audits and prints; true when nothing was found. */
export async function runRemoteAudit(request: RemoteAuditRequest): Promise<boolean> {
  const { url, keys, origin, from, keep, policy, json } = request;
  const log = new HttpLog(url);
  const report = await auditRemoteLog({
    log,
    verifierFor: (name) => verifierOf(name, log, keys),
    ...(origin === undefined ? {} : { origin }),
    ...(from === undefined ? {} : { kept: await readText(from) }),
    ...(policy === undefined ? {} : { policy: parsePolicy(await readText(policy)) }),
    onProgress: json ? () => undefined : showProgress,
  });
  const clean = report.findings.length === 0;
  if (clean && keep !== undefined) keepCheckpoint(keep, report.checkpoint);
  process.stdout.write(
    json ? `${JSON.stringify({ clean, ...report }, bigintAsText)}\n` : formatReport(report, keys),
  );
  return clean;
}

/** The key that signs for `origin`: from a key set, a verifier key, or the log itself. */
async function verifierOf(origin: string, log: HttpLog, keys: string | undefined): Promise<NoteVerifier> {
  const text = keys === undefined ? await log.vkey() : (await readSource(keys)).trim();
  const vkeys = text.startsWith('{')
    ? parseKeySet(text).keys.flatMap((key) =>
        'lacuna:vkey' in key && key['lacuna:status'] === 'active' ? [key['lacuna:vkey'] ?? ''] : [],
      )
    : [text];
  const key = vkeys
    .map((vkey) => parseVerifierKey(vkey))
    // The key of a ledger signs each of its logs under the log's own name.
    .find(({ name }) => name === origin || origin.startsWith(`${name}/`));
  if (!key) throw new CliError('CLI_DATA_UNUSABLE', `no active key given signs for ${origin}`);
  return createEd25519Verifier(origin, key.publicKey);
}

/** Synced and renamed, so that a kept checkpoint is never half a one. */
function keepCheckpoint(path: string, note: string): void {
  const draft = `${path}.draft`;
  const file = openSync(draft, 'w');
  writeSync(file, note);
  fsyncSync(file);
  closeSync(file);
  renameSync(draft, path);
}

function showProgress(done: bigint, of: bigint): void {
  if (process.stderr.isTTY)
    process.stderr.write(`\r${done} of ${of} entries\u001b[K${done >= of ? '\n' : ''}`);
}

const bigintAsText = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' ? value.toString() : value;

function formatReport(report: RemoteAuditReport, keys: string | undefined): string {
  const { origin, treeSize, from, entriesRead, tilesCompared, witnesses, findings } = report;
  const lines = [
    `log      ${origin}`,
    `size     ${treeSize}${from > 0n ? `, the first ${from} as kept` : ''}`,
    `read     ${entriesRead} entries, ${tilesCompared} tiles`,
    ...(witnesses.length > 0 ? [`cosigned ${witnesses.join(', ')}`] : []),
    ...(keys === undefined ? ['key      the log’s own word for it; give --keys to rely on it'] : []),
    findings.length === 0
      ? 'CLEAN: every entry leads to the signed root'
      : `FOUND ${findings.length} problem(s):`,
    ...findings.map(({ place, problem }) => `  ${place}: ${problem}`),
  ];
  return `${lines.join('\n')}\n`;
}
