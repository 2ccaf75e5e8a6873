import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { auditInstallation, parseKeptCheckpoints, writeKeptCheckpoints } from '@app/audit';
import { type AuditProgress, type AuditReport, auditThreads } from '@app/ledger';
import { checkSchema, connect, dataDirectory, openKysely } from '@app/persistence';
import Table from 'cli-table3';
import { CliError } from '../errors.js';
import { openOperatorDatabase } from '../open-operator-database.js';
import { readKeySet } from '../read-input.js';

export interface AuditRequest {
  readonly keys?: string;
  /** File of checkpoints that an earlier audit kept, or of one signed checkpoint. */
  readonly from?: string;
  /** File that the audited checkpoints are kept in, when nothing was found. */
  readonly keep?: string;
  readonly json?: true;
}

/** Audits and prints; true when nothing was found. */
export async function runAudit({ keys, from, keep, json }: AuditRequest): Promise<boolean> {
  const kept = from === undefined ? null : parseKeptCheckpoints(await keptText(from));
  const { config, database } = await openOperatorDatabase();
  const sql = connect(database.address, { as: 'application', name: 'lacuna-audit', poolSize: 2 });
  try {
    await checkSchema(sql);
    const keySet = await readKeySet(keys ?? join(dataDirectory(config).path, 'keys', 'history.json'));
    const begun = new Date();
    const report = await auditInstallation(openKysely(sql), keySet, {
      threads: auditThreads(database.address),
      ...(json ? {} : { onProgress: showProgress }),
      ...(kept ? { kept: kept.notes } : {}),
    });
    process.stdout.write(json ? `${JSON.stringify(report, bigintAsText)}\n` : formatReport(report));
    const clean = report.findings.length === 0;
    if (clean && keep !== undefined) writeKeptCheckpoints(keep, report, kept ? kept.fullAt : begun);
    return clean;
  } finally {
    await sql.end();
    await database.close();
  }
}

async function keptText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new CliError('CLI_DATA_UNUSABLE', `cannot read ${path}`, { cause });
  }
}

function showProgress({ log, done, of }: AuditProgress): void {
  if (process.stderr.isTTY)
    process.stderr.write(`\r${log}: ${done} of ${of}\u001b[K${done >= of ? '\n' : ''}`);
}

const bigintAsText = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' ? value.toString() : value;

function formatReport({ logs, findings }: AuditReport): string {
  const table = new Table({
    head: ['log', 'from', 'entries', 'checkpoints', 'tiles'],
    style: { head: [], border: [] },
  });
  for (const { log, from, entries, checkpoints, tiles } of logs)
    table.push([log, from.toString(), entries.toString(), checkpoints, tiles]);
  const lines = findings.map(
    ({ log, index, field, problem }) => `  ${log} [${index ?? '-'}] ${field}: ${problem}`,
  );
  const verdict =
    findings.length === 0 ? 'CLEAN: everything recomputes' : `FOUND ${findings.length} problem(s):`;
  return `${[table.toString(), verdict, ...lines].join('\n')}\n`;
}
