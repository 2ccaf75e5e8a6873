import { type Command, InvalidArgumentError } from 'commander';

interface TokenFlags {
  readonly role: string[];
  readonly ttl: number;
  readonly subject: string;
}

function seconds(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('give whole seconds');
  return Number(text);
}

export function addTokenCommand(program: Command): void {
  program
    .command('token')
    .requiredOption('--role <role...>', 'platform, auditor or operator; several may be given')
    .option('--ttl <seconds>', 'lifetime in seconds', seconds, 3600)
    .option('--subject <name>', 'who the token is for', 'local')
    .description("print a bearer token of this installation's local issuer")
    .action(async (flags: TokenFlags) => {
      const { runToken } = await import('./token.js');
      await runToken(flags);
    });
}
