import type { Command } from 'commander';

export function addMigrateCommand(program: Command): void {
  program
    .command('migrate')
    .description('bring the database to this version (the daemon does so by itself at start)')
    .action(async () => {
      const { runMigrate } = await import('./migrate.js');
      await runMigrate();
    });
}
