/**
 * Daemon and worker as processes of their own. They end with the demo however it ends: the channel between parent and
 * child closes, and they stop in order by themselves.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { projectRoot } from '@app/persistence';
import { CliError } from '../errors.js';

const POLL_MS = 50;
/** A fresh cluster takes a second; recovering after a kill -9 may take many. */
const START_TIMEOUT_MS = 180_000;
/** How long the daemon of an earlier, killed run may need to notice and stop. */
const ORPHAN_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 60_000;

export type AppName = 'daemon' | 'worker';

export class Processes {
  private readonly children = new Map<AppName, ChildProcess>();
  /** Address of the daemon; empty before it listens. */
  url = '';

  constructor(
    private readonly directory: string,
    private readonly environment: NodeJS.ProcessEnv,
  ) {
    mkdirSync(directory, { recursive: true });
  }

  logFile(name: AppName): string {
    return join(this.directory, `${name}.log`);
  }

  start(name: AppName): void {
    const log = openSync(this.logFile(name), 'a');
    const entry = join(projectRoot(), 'dist', `${name}.js`);
    const child = spawn(process.execPath, [entry], {
      env: this.environment,
      stdio: ['ignore', log, log, 'ipc'],
      // A Ctrl-C at the terminal reaches the demo alone, which then stops its processes in order.
      detached: true,
    });
    closeSync(log);
    this.children.set(name, child);
  }

  /**
   * Starts the daemon and returns its address once it listens. A daemon of an earlier run that was killed notices and
   * stops by itself; until then the directory is held, so the start is tried again.
   * @throws CliError `CLI_PROCESS_ENDED`, `CLI_TIMEOUT`
   */
  async startDaemon(): Promise<string> {
    const giveUp = Date.now() + ORPHAN_TIMEOUT_MS;
    for (;;) {
      this.start('daemon');
      try {
        this.url = await this.daemonUrl();
        return this.url;
      } catch (error) {
        const held = error instanceof CliError && error.message.includes('PERSISTENCE_DIRECTORY_HELD');
        if (!held || Date.now() > giveUp) throw error;
        await delay(10 * POLL_MS);
      }
    }
  }

  private async daemonUrl(): Promise<string> {
    const pid = this.children.get('daemon')?.pid;
    const deadline = Date.now() + START_TIMEOUT_MS;
    for (;;) {
      const written = readAddress(this.directory);
      if (written && written.pid === pid) return written.url;
      this.ensureRunning();
      if (Date.now() > deadline) {
        throw new CliError('CLI_TIMEOUT', `the daemon did not start; see ${this.logFile('daemon')}`);
      }
      await delay(POLL_MS);
    }
  }

  /** @throws CliError `CLI_PROCESS_ENDED` when a process ended by itself, with the last line it wrote */
  ensureRunning(): void {
    for (const [name, child] of this.children) {
      if (child.exitCode === null && child.signalCode === null) continue;
      const lastLine = readFileSync(this.logFile(name), 'utf8').trim().split('\n').at(-1) ?? '';
      throw new CliError('CLI_PROCESS_ENDED', `the ${name} ended: ${lastLine} (log: ${this.logFile(name)})`);
    }
  }

  /** Worker first, then the daemon, which stops the database last. */
  async stop(): Promise<void> {
    for (const name of ['worker', 'daemon'] as const) await stopChild(this.children.get(name));
    this.children.clear();
  }
}

async function stopChild(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await Promise.race([ended, delay(STOP_TIMEOUT_MS, undefined, { ref: false })]);
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
}

function readAddress(directory: string): { pid: number; url: string } | null {
  const file = join(directory, 'daemon.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { pid: number; url: string }) : null;
}
