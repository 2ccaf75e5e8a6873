import type { Command } from 'commander';
import { CliError } from '../errors.js';

interface AuditFlags {
  readonly url?: string;
  readonly keys?: string;
  readonly origin?: string;
  readonly from?: string;
  readonly keep?: string;
  readonly policy?: string;
  readonly json?: true;
}

/** `lacuna audit`: exit code 0 when nothing was found, 1 otherwise. */
export function addAuditCommand(program: Command): void {
  program
    .command('audit')
    .option('--keys <jwks>', "file or URL of the key set to trust (default: this installation's own history)")
    .option('--url <log>', 'audit one log as an outsider, over its tiles: http(s)://<daemon>/logs/<origin>')
    .option('--origin <name>', 'with --url: name the log must have')
    .option(
      '--from <checkpoint>',
      'file that an earlier audit kept, or a signed checkpoint; only newer entries are derived again',
    )
    .option('--keep <checkpoint>', 'file to keep what was audited in, when it is clean')
    .option('--policy <file>', 'with --url: witnesses that must have cosigned (C2SP tlog-policy)')
    .option('--json', 'print one JSON object')
    .description('recompute every log, proof, fact and result of the ledger')
    .action(async (flags: AuditFlags) => {
      process.exitCode = (await audit(flags)) ? 0 : 1;
    });
}

async function audit({ url, ...flags }: AuditFlags): Promise<boolean> {
  if (url !== undefined) return (await import('./audit-remote.js')).runRemoteAudit({ url, ...flags });
  const { origin, policy, ...own } = flags;
  const stray = Object.entries({ origin, policy }).find(([, value]) => value !== undefined);
  if (stray) throw new CliError('CLI_FLAGS_INVALID', `--${stray[0]} belongs to an audit with --url`);
  const { runAudit } = await import('./audit.js');
  return runAudit(own);
}
