/** The database for an operator command: the running one, or one that is started for as long as the command needs. */
import { type Config, loadConfig } from '@app/config';
import {
  attachDatabase,
  type OpenDatabase,
  ownDatabase,
  PersistenceError,
  reachDatabase,
} from '@app/persistence';

/** A running server answers at once; longer would only delay starting one. */
const ATTACH_PATIENCE_MS = 300;

/** @throws PersistenceError also `PERSISTENCE_UNREACHABLE`: a person at a terminal is told at once, nothing is tried again */
export async function openOperatorDatabase(): Promise<{ config: Config; database: OpenDatabase }> {
  const config = loadConfig(process.env);
  const log = (message: string) => void process.stderr.write(`${message}\n`);
  try {
    const database = await attachDatabase(config, () => undefined, ATTACH_PATIENCE_MS);
    await reachDatabase(database.address);
    return { config, database };
  } catch (error) {
    if (!(error instanceof PersistenceError) || error.code !== 'PERSISTENCE_NOT_RUNNING') throw error;
    return { config, database: await ownDatabase(config, log) };
  }
}
