/**
 * `lacuna`: offline verification for anybody, operator commands for whoever runs a ledger. Commands are loaded when
 * called, so that verifying a file needs no database and no framework.
 */
import { CodedError } from '@app/errors';
import { Command } from 'commander';
import { addAuditCommand } from './commands/audit.command.js';
import { addDemoCommand } from './commands/demo.command.js';
import { addDoctorCommand } from './commands/doctor.command.js';
import { addImportCommand } from './commands/import.command.js';
import { addMigrateCommand } from './commands/migrate.command.js';
import { addScoreCommand } from './commands/score.command.js';
import { addSettingsCommand } from './commands/settings.command.js';
import { addTimelineCommand } from './commands/timeline.command.js';
import { addTokenCommand } from './commands/token.command.js';
import { addVaultCommand } from './commands/vault.command.js';
import { addVerifyCommand } from './commands/verify.command.js';
import { addWatchCommand } from './commands/watch.command.js';
import { addWhyCommand } from './commands/why.command.js';
import { addWitnessCommand } from './commands/witness.command.js';

const program = new Command('lacuna')
  .description('Unlearning-commitment ledger and verification daemon')
  .showHelpAfterError('(lacuna <command> --help explains)');

addVerifyCommand(program);
addWatchCommand(program);
addWhyCommand(program);
addTimelineCommand(program);
addScoreCommand(program);
addImportCommand(program);
addTokenCommand(program);
addMigrateCommand(program);
addSettingsCommand(program);
addAuditCommand(program);
addVaultCommand(program);
addWitnessCommand(program);
addDoctorCommand(program);
addDemoCommand(program);

try {
  await program.parseAsync();
} catch (error) {
  // A coded error is for the person at the terminal; anything else is a bug, and its stack helps to find it.
  const text =
    error instanceof CodedError ? `${error.code}: ${error.message}` : String((error as Error).stack ?? error);
  process.stderr.write(`lacuna: ${text}\n`);
  process.exitCode = 1;
}
