import { systemClock } from '@app/ledger';
import { runProcess } from '@app/process';
import { type Daemon, startDaemon } from './start-daemon.js';

function announcement(daemon: Daemon): string {
  const lines = [`Lacuna is listening on ${daemon.url}`];
  if (daemon.servesGraphiql) lines.push(`GraphiQL:  ${daemon.url}/graphiql`);
  if (daemon.usesLocalIssuer) lines.push('A token:   npm run -s lacuna -- token --role auditor');
  return `${lines.join('\n')}\n`;
}

await runProcess({
  name: 'daemon',
  start: (config, logger) => startDaemon(config, { logger, clock: systemClock }),
  announce: announcement,
});
