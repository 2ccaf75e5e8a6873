import type { Command } from 'commander';
import { CliError } from '../errors.js';

interface DemoFlags {
  readonly data?: string;
  readonly small?: true;
  readonly json?: true;
  readonly exit?: true;
}

export function addDemoCommand(program: Command): void {
  program
    .command('demo')
    .argument('[name]', 'muse-news: recorded losses; wordnet: live models, trained here', 'muse-news')
    .option('--data <folder>', 'muse-news: losses of your own, in the form of apps/cli/assets/muse-news')
    .option('--small', 'wordnet: few samples, done in seconds, too few to conclude much')
    .option('--json', 'print one JSON object on standard output and nothing else there')
    .option('--exit', 'end when done instead of leaving the daemon up')
    .description('the main job on real data: register, commit, verify, attest, check offline, tamper')
    .action(async (name: string, { data, small, ...ending }: DemoFlags) => {
      if (name === 'wordnet' && data === undefined) {
        const { runWordnetDemo } = await import('../demo/wordnet/wordnet-demo.js');
        await runWordnetDemo({ ...ending, ...(small ? { small } : {}) });
      } else if (name === 'muse-news' && small === undefined) {
        const { runDemo } = await import('../demo/demo.js');
        await runDemo({ ...ending, ...(data === undefined ? {} : { data }) });
      } else {
        throw new CliError(
          'CLI_FLAGS_INVALID',
          'there are the demos muse-news (which takes --data) and wordnet (which takes --small)',
        );
      }
    });
}
