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
      'with --url: checkpoint file of an earlier audit; only newer entries are read',
    )
    .option('--keep <checkpoint>', 'with --url: file to keep the audited checkpoint in, when it is clean')
    .option('--policy <file>', 'with --url: witnesses that must have cosigned (C2SP tlog-policy)')
    .option('--json', 'print one JSON object')
    .description('recompute every log, proof, fact and result of the ledger')
    .action(async (flags: AuditFlags) => {
      process.exitCode = (await audit(flags)) ? 0 : 1;
    });
}

async function audit({ url, ...flags }: AuditFlags): Promise<boolean> {
  if (url !== undefined) return (await import('./audit-remote.js')).runRemoteAudit({ url, ...flags });
  const { keys, json, ...outsiders } = flags;
  const [stray] = Object.keys(outsiders);
  if (stray !== undefined)
    throw new CliError('CLI_FLAGS_INVALID', `--${stray} belongs to an audit with --url`);
  const { runAudit } = await import('./audit.js');
  return runAudit({ ...(keys === undefined ? {} : { keys }), ...(json ? { json } : {}) });
}
