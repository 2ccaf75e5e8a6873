/** `lacuna watch` against a server that tells one story after another. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Command } from 'commander';
import { afterEach, expect, it, vi } from 'vitest';
import { addWatchCommand } from '../../apps/cli/src/commands/watch.command.js';
import type { WatchedVerification } from '../../apps/cli/src/watch-display.js';

let server: Server | undefined;
afterEach(() => {
  server?.close();
  process.exitCode = 0;
});

const progress = (change: Partial<WatchedVerification['progress']>): WatchedVerification => ({
  result: null,
  progress: {
    status: 'SCORING',
    blocksDone: 0,
    blocksTotal: 3,
    samplesDone: '0',
    samplesTotal: '9000',
    samplesPerSecond: null,
    secondsLeft: null,
    forwardPasses: '0',
    signalsReused: '0',
    errorCode: null,
    errorMessage: null,
    ...change,
  },
});

/** Each look gets the next answer; the last one stays. */
async function watch(...answers: readonly (WatchedVerification | null)[]) {
  let looks = 0;
  server = createServer((_request, response) => {
    const verification = answers[Math.min(looks, answers.length - 1)];
    looks += 1;
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ data: { verification } }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const written: string[] = [];
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  const program = new Command();
  addWatchCommand(program);
  process.exitCode = 0;
  try {
    await program.parseAsync(['node', 'lacuna', 'watch', 'v1', '--url', url, '--token', 't']);
  } finally {
    out.mockRestore();
  }
  return { lines: written.join('').trim().split('\n'), code: Number(process.exitCode), looks };
}

it('tells each step until the verification is attested', async () => {
  const attested = {
    ...progress({ status: 'ATTESTED', blocksDone: 3, samplesDone: '9000' }),
    result: 'PASSED',
  };
  const { lines, code, looks } = await watch(
    progress({ status: 'PLANNED', blocksTotal: 0 }),
    progress({ blocksDone: 1, samplesDone: '4096' }),
    progress({ blocksDone: 1, samplesDone: '4096' }),
    attested,
  );
  expect([code, looks]).toEqual([0, 4]);
  expect(lines.map((line) => line.split('  ').slice(0, 2).join(' '))).toEqual([
    'PLANNED blocks 0/0',
    'SCORING blocks 1/3',
    'ATTESTED PASSED blocks 3/3',
    'ATTESTED PASSED blocks 3/3',
  ]);
});

it('ends with code 1 and the reason when the verification fails', async () => {
  const failed = progress({ status: 'FAILED', errorCode: 'VAULT_KEY_MISSING', errorMessage: 'add the key' });
  const { lines, code } = await watch(progress({ blocksDone: 1 }), failed);
  expect(code).toBe(1);
  expect(lines.at(-1)).toBe('VAULT_KEY_MISSING: add the key');
});

it('says when there is no such verification', async () => {
  await expect(watch(null)).rejects.toMatchObject({
    code: 'CLI_API_REFUSED',
    message: 'there is no verification v1',
  });
});
