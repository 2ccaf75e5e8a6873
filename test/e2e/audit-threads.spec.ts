/** The built command line audits a log of several chunks in the threads that were built with it, over the database and over HTTP. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '@app/persistence';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTestLedger, TEST_LEDGER } from '../support/ledger.js';
import { modelOperation, requestOperation } from '../support/operations.js';
import { type TestDaemon, testDaemon } from '../support/test-daemon.js';
import { postgresUrl, type TestDatabase, testDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const built = (file: string) => join(projectRoot(), 'dist', file);
/** One chunk of the audit over the database, four stretches of the one over HTTP, and a little more. */
const ENTRIES = 65_800;
/** Runs in every thread of the process, before the thread's own file. */
const NAME_THREADS = `import { isMainThread } from 'node:worker_threads'; import { writeSync } from 'node:fs';
  if (!isMainThread) writeSync(2, 'thread ' + process.argv[1] + '\\n');`;

let database: TestDatabase;
let daemon: TestDaemon;
let log: string;

beforeAll(async () => {
  database = await testDatabase();
  daemon = await testDaemon(database);
  const { sequencer } = makeTestLedger(database.db);
  const modelId = randomUUID();
  log = `/logs/${TEST_LEDGER}/${modelId}/commitments`;
  await sequencer.append(modelOperation(modelId));
  for (let first = 0; first < ENTRIES; first += 10_000) {
    const length = Math.min(10_000, ENTRIES - first);
    const samples = Array.from({ length }, (_, n) => `s${first + n}`);
    await sequencer.append(requestOperation(modelId, samples));
  }
  await until(async () => {
    const checkpoint = await (await daemon.get('nobody', `${log}/checkpoint`)).text();
    return checkpoint.split('\n')[1] === String(ENTRIES);
  });
});
afterAll(async () => {
  await daemon.close();
  await database.close();
});

async function audit(...flags: string[]) {
  const child = spawn(process.execPath, [built('cli.js'), 'audit', '--json', ...flags], {
    env: {
      PATH: process.env['PATH'],
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(NAME_THREADS)}`,
      LACUNA_DATA_DIR: daemon.directory,
      LACUNA_DATABASE_URL: postgresUrl(database.address),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  const threads = err.split('\n').flatMap((line) => /^thread (.*)$/.exec(line)?.[1] ?? []);
  return { code, out, err, threads };
}

/** What `count` threads of the built file announce. */
const threadsOf = (file: string, count: number) => Array<string>(count).fill(built(file));

describe('the built audit', () => {
  it('over the database: in threads, one a core', async () => {
    const { code, out, err, threads } = await audit();
    expect(code, err).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      findings: [],
      logs: [{ entries: '1' }, { entries: String(ENTRIES) }],
    });
    expect(threads).toEqual(threadsOf('chunk-thread.js', availableParallelism()));
  });

  it('over HTTP: in threads, one a core', async () => {
    const { code, out, err, threads } = await audit('--url', `${daemon.url}${log}`);
    expect(code, err).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      clean: true,
      treeSize: String(ENTRIES),
      entriesRead: String(ENTRIES),
      // 258 of leaves, of which one is partial, two above, and the top.
      tilesCompared: 258 + 2 + 1,
    });
    const count = Math.min(availableParallelism(), 5);
    expect(threads).toEqual(threadsOf('stretch-thread.js', count));
  });

  it('over HTTP: says so when a thread cannot reach the log', async () => {
    const server = createServer((request, response) => {
      if (request.url!.endsWith('/entries/200')) return void response.writeHead(403).end();
      void daemon.get('nobody', request.url!).then(async (answer) => {
        response.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()));
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${log}`;
    const { code, err } = await audit('--url', url);
    server.close();
    expect(code).toBe(1);
    expect(err).toContain(`lacuna: CLI_LOG_UNREACHABLE: cannot read ${url}/tile/entries/200\n`);
  });
});
