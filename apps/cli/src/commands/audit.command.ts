import type { Command } from 'commander';

interface AuditFlags {
  readonly keys?: string;
  readonly json?: true;
}

/** `lacuna audit`: exit code 0 when nothing was found, 1 otherwise. */
export function addAuditCommand(program: Command): void {
  program
    .command('audit')
    .option('--keys <jwks>', "file or URL of the key set to trust (default: this installation's own history)")
    .option('--json', 'print one JSON object')
    .description('recompute every log, proof, fact and result of the ledger')
    .action(async (flags: AuditFlags) => {
      const { runAudit } = await import('./audit.js');
      process.exitCode = (await runAudit(flags)) ? 0 : 1;
    });
}
