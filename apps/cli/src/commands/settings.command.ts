import type { Command } from 'commander';

export function addSettingsCommand(program: Command): void {
  program
    .command('settings')
    .description('list every LACUNA_* setting with its default')
    .action(async () => {
      const { runSettings } = await import('./settings.js');
      runSettings();
    });
}
