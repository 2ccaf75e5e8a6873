/** One built app as a process that can be killed and started again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '@app/persistence';
import { until } from './until.js';

/** Recovery of the database after SIGKILL takes a second or two; a minute means that it is stuck. */
const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;
const PROBE_TIMEOUT_MS = 5_000;

export class FaultProcess {
  private child: ChildProcess | null = null;
  private killed = false;
  /** How often it ended although nobody killed it: always a bug. */
  readonly deaths: string[] = [];

  constructor(
    readonly app: 'daemon' | 'worker',
    /** Names its log file; unique in the directory. */
    readonly name: string,
    readonly directory: string,
    private readonly environment: Readonly<Record<string, string>>,
  ) {
    mkdirSync(directory, { recursive: true });
  }

  get logFile(): string {
    return join(this.directory, `${this.name}.log`);
  }

  get alive(): boolean {
    return this.child !== null && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Resident memory in mebibytes. */
  residentMb(): number {
    const status = readFileSync(`/proc/${this.child!.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) / 1024;
  }

  start(): void {
    const log = openSync(this.logFile, 'a');
    const entry = join(projectRoot(), 'dist', `${this.app}.js`);
    const child = spawn(process.execPath, [entry], {
      env: {
        PATH: process.env['PATH'],
        LACUNA_DATA_DIR: this.directory,
        LACUNA_PORT: '0',
        ...this.environment,
      },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.killed = false;
    this.child = child;
    child.on('exit', (code, signal) => {
      if (this.killed) return;
      const lastLine = readFileSync(this.logFile, 'utf8').trim().split('\n').at(-1);
      this.deaths.push(`${this.name} ended by itself (${code ?? signal}): ${lastLine}`);
    });
  }

  /** SIGKILL: no handler runs, nothing is flushed. */
  kill(): void {
    this.killed = true;
    this.child?.kill('SIGKILL');
  }

  /** SIGKILL of the processes that it started, not of itself. */
  killChildren(): void {
    const pid = this.child!.pid!;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    for (const child of children === '' ? [] : children.split(' ')) process.kill(Number(child), 'SIGKILL');
  }

  get wasKilled(): boolean {
    return this.killed;
  }

  /** Starts it again once the killed one is gone. */
  async restart(): Promise<void> {
    await until(() => !this.alive);
    this.start();
  }

  async stop(): Promise<void> {
    if (!this.alive) return;
    this.killed = true;
    this.child!.kill('SIGTERM');
    // A client of a failed test may still hold a connection; the machine is left clean either way.
    await until(() => !this.alive, STOP_TIMEOUT_MS).catch(() => this.child!.kill('SIGKILL'));
  }

  /** Where this incarnation of the daemon listens; null while it does not. */
  get url(): string | null {
    const file = join(this.directory, 'daemon.json');
    if (!this.alive || !existsSync(file)) return null;
    const { pid, url } = JSON.parse(readFileSync(file, 'utf8')) as { pid: number; url: string };
    return pid === this.child?.pid ? url : null;
  }

  async ready(): Promise<void> {
    await until(() => this.probe(), READY_TIMEOUT_MS).catch((cause: unknown) => {
      throw new Error(`${this.name} did not become ready; see ${this.logFile}`, { cause });
    });
  }

  private takesJobs(): boolean {
    const lines = readFileSync(this.logFile, 'utf8').split('\n');
    return lines.some((line) => line.includes(`"pid":${this.child?.pid},`) && line.includes('taking jobs'));
  }

  private async probe(): Promise<boolean> {
    if (this.deaths.length > 0) throw new Error(this.deaths.join('\n'));
    if (this.app === 'worker') return this.takesJobs();
    const { url } = this;
    if (url === null) return false;
    try {
      const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
      return answer.status === 200;
    } catch {
      return false; // not listening yet
    }
  }
}
