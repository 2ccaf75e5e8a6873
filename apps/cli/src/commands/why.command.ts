import type { Command } from 'commander';
import type { WhyRequest } from './why.js';

/** `lacuna why`: the reasons of one verdict, in words. Asks a daemon; needs no database. */
export function addWhyCommand(program: Command): void {
  program
    .command('why')
    .requiredOption('--request <id>', 'the deletion request')
    .option('--release <id>', 'under this release (default: the one verified last)')
    .option('--url <url>', 'the daemon (default: the one running from this data directory)')
    .option('--token <token>', 'bearer token of a platform or auditor (default: a local one)')
    .option('--plot <file>', 'where the plot goes (default: why-<request>.svg)')
    .option('--json', 'print one JSON object')
    .description('why a deletion request has its verdict: numbers, words and a plot')
    .action(async (flags: WhyRequest) => {
      const { runWhy } = await import('./why.js');
      await runWhy(flags);
    });
}
