import type { Command } from 'commander';
import type { TimelineOrder } from './timeline.js';

/** `lacuna timeline`: a model's history, release by release and request by request. Asks a daemon; needs no database. */
export function addTimelineCommand(program: Command): void {
  program
    .command('timeline <model>')
    .option('--url <url>', 'the daemon (default: the one running from this data directory)')
    .option('--token <token>', 'bearer token of a platform or auditor (default: a local one)')
    .option('--plot <file>', 'draw releases x requests, coloured by verdict, into this SVG file')
    .option('--json', 'print one JSON object with every request')
    .description('a model (id or name) release by release: verdicts, what came back, attestations')
    .action(async (model: string, flags: Omit<TimelineOrder, 'model'>) => {
      const { runTimeline } = await import('./timeline.js');
      await runTimeline({ model, ...flags });
    });
}
