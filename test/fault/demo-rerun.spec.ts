/** The demo is killed at random moments, alone or with the processes it started, and run again to its end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { projectRoot } from '@app/persistence';
import { afterAll, expect, it } from 'vitest';
import { SeededRandom } from '../../libs/iam/src/random.js';
import { faultDirectory } from '../support/fault-directory.js';
import { killProcess, postmasterPid } from '../support/fault-postgres.js';

const KILLS = Number(process.env['FAULT_DEMO_KILLS'] ?? 3);
const SEED = process.env['FAULT_SEED'] ?? String(randomInt(1_000_000));
/** The demo's own promise is a minute; a busy machine may need several. */
const RUN_TIMEOUT_MS = 280_000;
/** Start, registration and verification all lie within this time on an idle machine. */
const LONGEST_LIFE_MS = 15_000;

const random = new SeededRandom(SEED);
const directory = faultDirectory('lacuna-rerun-');

function startDemo(): { child: ChildProcess; output: () => string } {
  const child = spawn(
    process.execPath,
    [join(projectRoot(), 'apps', 'cli', 'launch.mjs'), 'demo', '--exit', '--json'],
    { env: { PATH: process.env['PATH'], LACUNA_DATA_DIR: directory }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (part: Buffer) => (stdout += part.toString()));
  child.stderr.on('data', (part: Buffer) => (stderr += part.toString()));
  return { child, output: () => stdout || stderr };
}

/** Process ids of the daemon and worker that `parent` started (Linux only). */
function childrenOf(parent: number): number[] {
  try {
    return readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ').map(Number);
  } catch {
    return []; // ended already, or no /proc here
  }
}

afterAll(() => {
  killProcess(postmasterPid(join(directory, 'demo')));
});

it(
  `the demo ends well after ${KILLS} kills at random moments (seed ${SEED})`,
  async () => {
    for (let kill = 0; kill < KILLS; kill += 1) {
      const { child } = startDemo();
      // The moment of the kill, not a wait for something.
      await delay(random.nextBelow(LONGEST_LIFE_MS));
      const victims = [child.pid!];
      if (random.nextBelow(2) === 1) victims.push(...childrenOf(child.pid!));
      if (random.nextBelow(3) === 0) victims.push(postmasterPid(join(directory, 'demo')) ?? 0);
      for (const pid of victims) if (pid > 1) killProcess(pid);
    }
    for (let run = 1; run <= 2; run += 1) {
      const { child, output } = startDemo();
      const code = await new Promise((resolve) => child.once('close', resolve));
      expect(code, output()).toBe(0);
      const report = JSON.parse(output()) as {
        releases: { name: string; result: string; verified: boolean }[];
        tamper: { caught: boolean }[];
      };
      expect(report.releases.map(({ name, result, verified }) => [name, result, verified])).toEqual(
        expect.arrayContaining([
          ['retrain', 'PASSED', true],
          ['refusal', 'FAILED', true],
          ['negative_label', 'FAILED', true],
        ]),
      );
      expect(report.tamper.every(({ caught }) => caught)).toBe(true);
    }
  },
  KILLS * LONGEST_LIFE_MS + 2 * RUN_TIMEOUT_MS,
);
