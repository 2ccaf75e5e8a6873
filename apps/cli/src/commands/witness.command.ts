import { type Command, InvalidArgumentError } from 'commander';

interface WitnessFlags {
  readonly name: string;
  readonly logs: string;
  readonly data: string;
  readonly host: string;
  readonly port: number;
}

function port(text: string): number {
  if (!/^\d+$/.test(text) || Number(text) > 65535) throw new InvalidArgumentError('give 0 to 65535');
  return Number(text);
}

/** `lacuna witness`: runs until SIGTERM or SIGINT. */
export function addWitnessCommand(program: Command): void {
  program
    .command('witness')
    .requiredOption('--name <key name>', 'name on the cosignatures, a domain of yours by custom')
    .requiredOption(
      '--logs <file>',
      'known logs, one a line: `log <vkey>`, or `ledger <vkey>` for all logs of one',
    )
    .requiredOption(
      '--data <folder>',
      'key and memory of this witness; back it up, never share or roll it back',
    )
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on; 0 picks a free one', port, 4467)
    .description('cosign checkpoints of known logs, and refuse rollbacks and forks (C2SP tlog-witness)')
    .action(async (flags: WitnessFlags) => {
      const { runWitness } = await import('./witness.js');
      await runWitness(flags);
    });
}
