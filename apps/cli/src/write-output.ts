import { writeFile } from 'node:fs/promises';
import { CliError } from './errors.js';

/** Writes a file that a flag asked for. @throws CliError `CLI_FILE_UNWRITABLE` */
export async function writeOutput(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (cause) {
    throw new CliError('CLI_FILE_UNWRITABLE', `cannot write ${path}; name a file in a folder that is there`, {
      cause,
    });
  }
}
