import type { Command } from 'commander';
import type { ImportRequest } from './import.js';

/** `lacuna import`: exit code 0 when every line was filed, 1 otherwise. Asks a daemon; needs no database. */
export function addImportCommand(program: Command): void {
  program
    .command('import <file>')
    .option(
      '--key <key>',
      'key of the import (default: a random one, kept beside the file as <file>.import-key)',
    )
    .option('--from-start', 'send lines again that were dealt with before, to list those that were refused')
    .option('--rejects <file>', 'where the refused lines are listed, one JSON object each')
    .option('--url <url>', 'the daemon (default: the one running from this data directory)')
    .option('--token <token>', 'bearer token of a platform (default: a local one)')
    .option('--json', 'print one JSON object')
    .description('file the deletion requests of an NDJSON file, gzip or not; run it again and it goes on')
    .action(async (file: string, flags: Omit<ImportRequest, 'file'>) => {
      const { runImport } = await import('./import.js');
      process.exitCode = (await runImport({ file, ...flags })) ? 0 : 1;
    });
}
