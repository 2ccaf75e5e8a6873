import type { Command } from 'commander';

interface VerifyFlags {
  readonly keys: string;
  readonly results?: string;
  readonly proof?: string;
  readonly previous?: string;
  readonly at?: string;
  readonly json?: true;
}

/** `lacuna verify <file>`: exit code 0 when everything checked holds, 1 when anything does not. */
export function addVerifyCommand(program: Command): void {
  program
    .command('verify')
    .argument('<file>', 'attestation (compact JWS) or proof bundle (JSON)')
    .requiredOption('--keys <jwks>', 'file or URL of the key set (/.well-known/jwks.json of the daemon)')
    .option('--results <file>', 'all result leaves (NDJSON, gzip or not): recounts every one')
    .option('--proof <file>', 'tlog-proof of the attestation (default: the one beside it)')
    .option('--previous <file>', 'the attestation that this one follows')
    .option('--at <time>', 'verify as of this ISO time instead of now')
    .option('--json', 'print one JSON object')
    .description('verify an attestation or a proof bundle offline')
    .action(async (file: string, flags: VerifyFlags) => {
      const { runVerify } = await import('./verify.js');
      process.exitCode = (await runVerify(file, flags)) ? 0 : 1;
    });
}
