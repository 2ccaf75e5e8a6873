import type { Command } from 'commander';
import type { DaemonFlags } from '../local-daemon.js';

/** `lacuna watch`: the progress of a verification. Asks a daemon; needs no database. */
export function addWatchCommand(program: Command): void {
  program
    .command('watch <verification>')
    .option('--url <url>', 'the daemon (default: the one running from this data directory)')
    .option('--token <token>', 'bearer token of any role (default: a local one)')
    .description('follow a verification until it is attested or has failed; exit code 1 when it failed')
    .action(async (verification: string, flags: DaemonFlags) => {
      const { runWatch } = await import('./watch.js');
      await runWatch(verification, flags);
    });
}
