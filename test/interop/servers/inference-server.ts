/** Other people's inference servers, each in a Python environment of its own (install.sh), as processes of a spec. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { until } from '../../support/until.js';

export type Tool = 'mlserver' | 'kserve' | 'triton' | 'vllm' | 'numpy';

export const SERVERS = new URL('.', import.meta.url).pathname;

/** Where install.sh put the tool, or null, said on stderr, where it did not. */
export function environmentOf(tool: Tool): string | null {
  const cache = process.env['INTEROP_CACHE'] ?? join(homedir(), '.cache', 'lacuna-interop');
  const environment = join(cache, tool);
  const installed = existsSync(join(environment, 'installed'));
  if (!installed) {
    process.stderr.write(`SKIPPED: ${tool} is not installed (test/interop/servers/install.sh ${tool})\n`);
  }
  return installed ? environment : null;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A script's output; its own complaints where it fails. */
export function python(environment: string, args: readonly string[], input = ''): string {
  const { status, stdout, stderr } = spawnSync(join(environment, 'bin', 'python'), args, {
    input,
    encoding: 'utf8',
    env: { ...process.env, HF_HUB_OFFLINE: '1' },
  });
  if (status !== 0) throw new Error(`${args[0]} failed: ${stderr}`);
  return stdout;
}

export class InferenceServer {
  private output = '';

  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {}

  /** Starts `command` and waits until `ready` is answered with 200. */
  static async start(
    command: string,
    args: readonly string[],
    options: {
      readonly port: number;
      readonly ready: string;
      readonly env?: Record<string, string>;
      readonly cwd?: string;
    },
  ): Promise<InferenceServer> {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, PYTHONPATH: SERVERS, ...options.env },
      stdio: 'pipe',
    });
    const server = new InferenceServer(child, `http://127.0.0.1:${options.port}`);
    const keep = (chunk: Buffer) => (server.output = (server.output + chunk.toString()).slice(-8000));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    // A hook that runs out of time leaves nobody to stop it.
    process.once('exit', () => child.kill('SIGKILL'));
    await until(() => server.answers(options.ready), 500_000);
    return server;
  }

  /** Writes a line to the server's stdin and waits until it answers with `reply`. */
  async tell(line: string, reply: string): Promise<void> {
    this.child.stdin!.write(`${line}\n`);
    await until(() => this.output.includes(reply));
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 20_000);
    await ended;
    clearTimeout(timer);
  }

  private async answers(path: string): Promise<boolean> {
    if (this.child.exitCode !== null) throw new Error(`the server ended: ${this.output}`);
    return fetch(this.url + path).then(
      ({ status }) => status === 200,
      () => false,
    );
  }
}
