/** The processes that are killed are the built apps, so the build is brought up to date first. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { projectRoot } from '@app/persistence';

export default function setup(): void {
  const launcher = join(projectRoot(), 'apps', 'cli', 'launch.mjs');
  const run = spawnSync(process.execPath, [launcher, '--build-only'], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (run.status !== 0) throw new Error('the build failed; the crash tests need it');
}
