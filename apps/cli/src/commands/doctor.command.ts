import type { Command } from 'commander';

export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('show what this machine has for running models, what would be used for each kind, and why')
    .option('--json', 'for programs')
    .action(async (options: { json?: true }) => {
      const { runDoctor } = await import('./doctor.js');
      await runDoctor(options);
    });
}
