import { setTimeout as delay } from 'node:timers/promises';
import { CliError } from '../errors.js';
import { openDaemon, type DaemonFlags } from '../local-daemon.js';
import { openDisplay, progressText, type WatchedVerification } from '../watch-display.js';

/** As often as the daemon itself looks. */
const LOOK_EVERY_MS = 500;
/** The longest verification that is watched to its end in one go. */
const TOKEN_SECONDS = 7 * 86_400;

const QUESTION = `query ($id: ID!) { verification(id: $id) {
  result
  progress {
    status blocksDone blocksTotal samplesDone samplesTotal samplesPerSecond secondsLeft
    forwardPasses signalsReused errorCode errorMessage
  }
} }`;

/** Sets the exit code to 1 for a verification that fails. @throws CliError `CLI_API_REFUSED`, `CLI_DAEMON_UNKNOWN` */
export async function runWatch(id: string, flags: DaemonFlags): Promise<void> {
  const api = await openDaemon(flags, { command: 'watch', seconds: TOKEN_SECONDS });
  const display = openDisplay(process.stdout);
  for (;;) {
    const { verification } = await api.graphql<{ verification: WatchedVerification | null }>(QUESTION, {
      id,
    });
    if (!verification) throw new CliError('CLI_API_REFUSED', `there is no verification ${id}`);
    display.show(verification);
    const { status, errorCode, errorMessage } = verification.progress;
    if (status === 'ATTESTED' || status === 'FAILED') {
      display.end();
      process.stdout.write(`${progressText(verification)}\n`);
      if (status === 'FAILED') {
        process.stdout.write(`${errorCode ?? ''}: ${errorMessage ?? ''}\n`);
        process.exitCode = 1;
      }
      return;
    }
    await delay(LOOK_EVERY_MS);
  }
}
