import type { Command } from 'commander';

interface RotateFlags {
  readonly newKey?: true;
}

/** `lacuna vault`: the keys that sample payloads are encrypted under. */
export function addVaultCommand(program: Command): void {
  const vault = program.command('vault').description('keys of the sample payloads');
  vault
    .command('status')
    .option('--json', 'print one JSON object')
    .description('which keys there are, and how much lies under each of them')
    .action(async (flags: { readonly json?: true }) => {
      const { runVaultStatus } = await import('./vault.js');
      await runVaultStatus(flags);
    });
  vault
    .command('rotate')
    .option('--new-key', 'first make a new key and put it at the head of the key file')
    .description('bring everything under the active key, the first one of the key file; can be run again')
    .action(async (flags: RotateFlags) => {
      const { runVaultRotate } = await import('./vault.js');
      await runVaultRotate(flags);
    });
}
