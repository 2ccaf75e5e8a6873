/**
 * The container files, without a container engine: linted, and their own COPY, RUN and CMD steps carried out in empty
 * directories, up to a daemon and a worker that run on an external PostgreSQL and stop on SIGTERM.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { projectRoot } from '@app/persistence';
import { DockerfileParser, type Copy, type Instruction, type JSONInstruction } from 'dockerfile-ast';
import { validate } from 'dockerfile-utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { postgresUrl, type TestDatabase, testDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const root = projectRoot();
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const files = ['deploy/Dockerfile.daemon', 'deploy/Dockerfile.worker'] as const;

interface Compose {
  readonly services: Record<
    string,
    {
      image?: string;
      build?: { dockerfile: string };
      environment?: Record<string, string>;
      depends_on?: Record<string, unknown>;
      volumes?: string[];
    }
  >;
  readonly volumes: Record<string, unknown>;
}

describe('deploy', () => {
  it.each(files)('%s is free of lint', (file) => {
    expect(validate(read(file)).map((problem) => problem.message)).toEqual([]);
  });

  it('compose.yaml names existing files, services, volumes and settings', () => {
    const compose = parse(read('deploy/compose.yaml')) as Compose;
    const settings = read('libs/config/src/config.schema.ts');
    for (const service of Object.values(compose.services)) {
      if (service.build) expect(existsSync(join(root, service.build.dockerfile))).toBe(true);
      for (const other of Object.keys(service.depends_on ?? {}))
        expect(compose.services).toHaveProperty(other);
      for (const volume of service.volumes ?? [])
        expect(compose.volumes).toHaveProperty(volume.split(':')[0]!);
      for (const name of Object.keys(service.environment ?? {}).filter((key) => key.startsWith('LACUNA_'))) {
        expect(settings, name).toContain(`${name}:`);
      }
    }
    const wanted = [...read('deploy/compose.yaml').matchAll(/\$\{(\w+):\?/g)].map((match) => match[1]!);
    for (const name of wanted) expect(read('deploy/example.env')).toContain(`${name}=`);
  });

  it('both images are built by the same steps', () => {
    const build = (file: string) =>
      read(file)
        .split('\n\nFROM')[0]!
        .split('\n')
        .filter((line) => !line.startsWith('#'))
        .join('\n');
    expect(build(files[0])).toBe(build(files[1]));
  });
});

describe('the steps of the container files', () => {
  let place: string;
  let database: TestDatabase;
  beforeAll(async () => {
    place = mkdtempSync(join(tmpdir(), 'lacuna-deploy-'));
    database = await testDatabase();
    buildStage(read(files[0]), join(place, 'context'), join(place, 'app'));
  }, 300_000);
  afterAll(async () => {
    rmSync(place, { recursive: true, force: true });
    await database.close();
  });

  it('install, start and stop a daemon and a worker', async () => {
    expect(
      existsSync(join(place, 'app', 'node_modules', 'typescript')),
      'development dependencies are pruned',
    ).toBe(false);
    const data = join(place, 'data');
    const environment = {
      PATH: process.env['PATH'],
      LACUNA_DATABASE_URL: postgresUrl(database.address),
      LACUNA_DATA_DIR: data,
      LACUNA_PORT: '0',
    };
    const start = (file: string) => {
      const [program, ...args] = startCommand(read(file));
      const child = spawn(program!, args, {
        cwd: join(place, 'app'),
        env: environment,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let output = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
      return {
        child,
        output: () => output,
        exit: new Promise<number | null>((resolve) => child.once('exit', resolve)),
      };
    };
    const daemon = start(files[0]);
    const address = join(data, 'daemon.json');
    await until(() => existsSync(address) || daemon.child.exitCode !== null);
    expect(daemon.child.exitCode, daemon.output()).toBeNull();
    const { url } = JSON.parse(readFileSync(address, 'utf8')) as { url: string };
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    await until(async () => (await fetch(`${url}/readyz`)).status === 200);
    const worker = start(files[1]);
    await until(() => worker.output().includes('taking jobs') || worker.child.exitCode !== null);
    expect(worker.child.exitCode, worker.output()).toBeNull();
    for (const { child, exit, output } of [worker, daemon]) {
      child.kill('SIGTERM');
      expect(await exit, output()).toBe(0);
    }
  }, 240_000);
});

/** Carries out the COPY and RUN steps of the first stage on the files that git knows. */
function buildStage(dockerfile: string, context: string, work: string): void {
  mkdirSync(context, { recursive: true });
  const tracked = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const path of tracked.split('\0').filter((one) => one && existsSync(join(root, one)))) {
    mkdirSync(dirname(join(context, path)), { recursive: true });
    cpSync(join(root, path), join(context, path));
  }
  mkdirSync(work, { recursive: true });
  for (const instruction of stages(dockerfile)[0]!) {
    if (instruction.getKeyword() === 'COPY') copy(instruction as Copy, context, work);
    if (instruction.getKeyword() === 'RUN') {
      const run = spawnSync('sh', ['-c', instruction.getRawArgumentsContent()!], {
        cwd: work,
        encoding: 'utf8',
      });
      if (run.status !== 0)
        throw new Error(`RUN ${instruction.getRawArgumentsContent()}\n${run.stdout}${run.stderr}`);
    }
  }
}

function stages(dockerfile: string): Instruction[][] {
  const found: Instruction[][] = [];
  for (const instruction of DockerfileParser.parse(dockerfile).getInstructions()) {
    if (instruction.getKeyword() === 'FROM') found.push([]);
    found.at(-1)!.push(instruction);
  }
  return found;
}

function copy(instruction: Copy, context: string, work: string): void {
  const paths = instruction.getArguments().map((argument) => argument.getValue());
  const target = paths.pop()!;
  for (const path of paths) {
    const into = target.endsWith('/') ? join(work, target, path) : join(work, target);
    cpSync(join(context, path), into, { recursive: true });
  }
}

function startCommand(dockerfile: string): string[] {
  const command = stages(dockerfile)[1]!.findLast(
    (instruction) => instruction.getKeyword() === 'CMD',
  ) as JSONInstruction;
  return command.getJSONStrings().map((text) => text.getJSONValue());
}
