/** `lacuna import` against a daemon of its own process that is killed in the middle: it goes on, and files nothing twice. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { mintLocalToken } from '@app/access';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ApiClient } from '../../apps/cli/src/demo/api-client.js';
import { startCommand } from '../support/command-line.js';
import { FaultProcess } from '../support/fault-process.js';
import { until } from '../support/until.js';

const directory = mkdtempSync(join(tmpdir(), 'lacuna-import-'));
const LINES = 24;
const SAMPLES = 2048;
let daemon: FaultProcess;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

beforeAll(async () => {
  daemon = new FaultProcess('daemon', 'daemon', directory, {
    LACUNA_PORT: String(await freePort()),
    LACUNA_REVERIFY_CRON: 'off',
  });
  daemon.start();
  await daemon.ready();
});
afterAll(async () => {
  await daemon.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function openApi(): Promise<ApiClient> {
  const token = await mintLocalToken({
    directory,
    roles: ['platform'],
    subject: 'test',
    ttlSeconds: 600,
    now: new Date(),
  });
  return new ApiClient(daemon.url!, token);
}

const lacuna = (...words: string[]) => startCommand(directory, words);

it('imports a file through the death of its daemon, and again without filing anything twice', async () => {
  const api = await openApi();
  const { registerModel: model } = await api.graphql<{ registerModel: { id: string } }>(
    'mutation { registerModel(input: {idempotencyKey: "m", name: "m", signalKind: LOSS}) { id } }',
  );
  const lines = Array.from({ length: LINES }, (_, n) =>
    JSON.stringify({
      subject: `subject-${n}`,
      regime: 'GDPR',
      receivedAt: '2026-05-01T00:00:00Z',
      samples: Array.from({ length: SAMPLES }, (_s, i) => ({ modelId: model.id, sampleId: `s${n}-${i}` })),
    }),
  );
  const file = join(directory, 'requests.ndjson.gz');
  writeFileSync(file, gzipSync(`${lines.join('\n')}\nnot a request\n`));

  const first = lacuna('import', file, '--rejects', join(directory, 'rejects.ndjson'));
  await until(() => first.text.err.includes('commitments'));
  daemon.kill();
  await daemon.restart();
  await daemon.ready();
  expect(await first.ended, first.text.err).toEqual([1, null]);
  expect(first.text.out, first.text.err).toContain('1 refused line(s) are listed in');

  const again = lacuna('import', file, '--json', '--from-start');
  expect(await again.ended, again.text.err).toEqual([1, null]);
  expect(JSON.parse(again.text.out)).toMatchObject({
    lines: LINES + 1,
    resumedAt: 1,
    requests: LINES,
    commitments: LINES * SAMPLES,
    refused: [{ line: LINES + 1, code: 'REGISTRY_IMPORT_MALFORMED_LINE' }],
  });
  const { model: found } = await api.graphql<{ model: { commitmentLog: { size: string } } }>(
    'query ($id: ID!) { model(id: $id) { commitmentLog { size } } }',
    { id: model.id },
  );
  expect(Number(found.commitmentLog.size)).toBe(LINES * SAMPLES);
});
