import { join } from 'node:path';
import type { AuditProgress, AuditReport } from '@app/ledger';
import { checkSchema, connect, dataDirectory, openKysely } from '@app/persistence';
import Table from 'cli-table3';
import { fullAudit } from '../full-audit.js';
import { openOperatorDatabase } from '../open-operator-database.js';
import { readKeySet } from '../read-input.js';

export interface AuditRequest {
  readonly keys?: string;
  readonly json?: true;
}

/** Audits and prints; true when nothing was found. */
export async function runAudit({ keys, json }: AuditRequest): Promise<boolean> {
  const { config, database } = await openOperatorDatabase();
  const sql = connect(database.address, { as: 'application', name: 'lacuna-audit', poolSize: 2 });
  try {
    await checkSchema(sql);
    const keySet = await readKeySet(keys ?? join(dataDirectory(config).path, 'keys', 'history.json'));
    const report = await fullAudit(openKysely(sql), keySet, json ? undefined : showProgress);
    process.stdout.write(json ? `${JSON.stringify(report, bigintAsText)}\n` : formatReport(report));
    return report.findings.length === 0;
  } finally {
    await sql.end();
    await database.close();
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
    head: ['log', 'entries', 'checkpoints', 'tiles'],
    style: { head: [], border: [] },
  });
  for (const log of logs) table.push([log.log, log.entries.toString(), log.checkpoints, log.tiles]);
  const lines = findings.map(
    ({ log, index, field, problem }) => `  ${log} [${index ?? '-'}] ${field}: ${problem}`,
  );
  const verdict =
    findings.length === 0 ? 'CLEAN: everything recomputes' : `FOUND ${findings.length} problem(s):`;
  return `${[table.toString(), verdict, ...lines].join('\n')}\n`;
}
