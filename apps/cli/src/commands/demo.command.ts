import type { Command } from 'commander';

interface DemoFlags {
  readonly data?: string;
  readonly json?: true;
  readonly exit?: true;
}

export function addDemoCommand(program: Command): void {
  program
    .command('demo')
    .option('--data <folder>', 'recorded losses of your own, in the form of apps/cli/assets/muse-news')
    .option('--json', 'print one JSON object on standard output and nothing else there')
    .option('--exit', 'end when done instead of leaving the daemon up')
    .description('the main job on real data: register, commit, verify, attest, check offline, tamper')
    .action(async (flags: DemoFlags) => {
      const { runDemo } = await import('../demo/demo.js');
      await runDemo(flags);
    });
}
