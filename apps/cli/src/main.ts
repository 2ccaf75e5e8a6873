/**
 * `lacuna`: offline verification for anybody, operator commands for whoever runs a ledger. Commands are loaded when
 * called, so that verifying a file needs no database and no framework.
 */
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
import { errorText } from './error-text.js';

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
  process.stderr.write(`lacuna: ${errorText(error)}\n`);
  process.exitCode = 1;
}
