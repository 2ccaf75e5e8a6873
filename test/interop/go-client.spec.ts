/**
 * A log of 100,000 entries read by a client that shares no line with it: test/interop/go, on golang.org/x/mod. Ten
 * checkpoints are kept over HTTP while the log grows. Needs Go 1.18 or newer; without it the file is skipped, in CI it
 * fails.
 */
import { execFile, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createEd25519Signer, parseCheckpoint, parseNote, signCheckpoint } from '@app/tlog';
import { createPrivateKey } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTestLedger, TEST_LEDGER } from '../support/ledger.js';
import { modelOperation, requestOperation } from '../support/operations.js';
import { type TestDaemon, testDaemon } from '../support/test-daemon.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const STEPS = 10;
const ENTRIES_PER_STEP = 10_000;
const ENTRIES = STEPS * ENTRIES_PER_STEP;

/** A part of the last step goes in first, so that sizes are not all round: partial tiles at every level. */
const STEP_SIZES = Array.from({ length: STEPS }, (_, step) =>
  step === 0 ? ENTRIES_PER_STEP - 123 : step === STEPS - 1 ? ENTRIES_PER_STEP + 123 : ENTRIES_PER_STEP,
);

const hasGo = spawnSync('go', ['version']).status === 0;
if (!hasGo && !process.env['CI']) {
  process.stderr.write('SKIPPED: the Go client needs Go (Debian: apt-get install golang-go)\n');
}

describe.skipIf(!hasGo && !process.env['CI'])('a client on golang.org/x/mod/sumdb', () => {
  let database: TestDatabase;
  let daemon: TestDaemon;
  let origin: string;
  let work: string;
  let program: string;
  const proxies: Server[] = [];

  const goClient = async (url: string, kept: string, proofs = 1000) => {
    const flags = ['-url', url, '-origin', origin, '-kept', kept, '-proofs', String(proofs)];
    const { stdout } = await promisify(execFile)(program, flags, { timeout: 240_000 });
    return JSON.parse(stdout) as Record<string, unknown>;
  };
  const refusal = (url: string, kept = join(work, 'none')) =>
    goClient(url, kept, 10).then(
      (report) => `accepted: ${JSON.stringify(report)}`,
      (error: { stderr: string }) => error.stderr,
    );
  /** The log as a liar serves it: one byte of one resource is another. */
  const liar = async (path: string, at: number): Promise<string> => {
    const server = createServer((request, response) => {
      void fetch(`${daemon.url}${request.url}`).then(async (answer) => {
        const bytes = Buffer.from(await answer.arrayBuffer());
        if (request.url?.endsWith(path)) bytes[at]! ^= 1;
        response.setHeader('cache-control', answer.headers.get('cache-control') ?? '');
        response.writeHead(answer.status).end(bytes);
      });
    });
    proxies.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/logs/${origin}`;
  };

  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), 'lacuna-interop-'));
    program = join(work, 'client');
    const environment = { ...process.env, GOFLAGS: '-mod=mod', GOTOOLCHAIN: 'local', CGO_ENABLED: '0' };
    const sources = join(import.meta.dirname, 'go');
    await promisify(execFile)('go', ['build', '-o', program, '.'], {
      cwd: sources,
      env: environment,
      timeout: 240_000,
    });
    database = await testDatabase();
    daemon = await testDaemon(database);
    const { sequencer } = makeTestLedger(database.db);
    const modelId = randomUUID();
    origin = `${TEST_LEDGER}/${modelId}/commitments`;
    await sequencer.append(modelOperation(modelId));
    mkdirSync(join(work, 'kept'));
    let size = 0;
    for (const [step, count] of STEP_SIZES.entries()) {
      const samples = Array.from({ length: count }, (_, n) => `s${step}-${n}`);
      await sequencer.append(requestOperation(modelId, samples));
      size += count;
      let note = '';
      await until(async () => {
        const answer = await fetch(`${daemon.url}/logs/${origin}/checkpoint`);
        note = await answer.text();
        return answer.ok && note.split('\n')[1] === String(size);
      });
      writeFileSync(join(work, 'kept', `${step}.checkpoint`), note);
    }
  });
  afterAll(async () => {
    for (const proxy of proxies) proxy.close();
    await daemon.close();
    await database.close();
    rmSync(work, { recursive: true, force: true });
  });

  it('verifies checkpoint, every leaf, 1,000 inclusion proofs and consistency between ten sizes', async () => {
    const report = await goClient(`${daemon.url}/logs/${origin}`, join(work, 'kept'));
    const { treeSize, rootHash } = parseCheckpoint(
      parseNote(readFileSync(join(work, 'kept', `${STEPS - 1}.checkpoint`))).text,
    );
    expect(treeSize).toBe(BigInt(ENTRIES));
    expect(report).toMatchObject({
      origin,
      size: ENTRIES,
      leaves: ENTRIES,
      root: Buffer.from(rootHash).toString('base64'),
      inclusionProofs: 1000,
      // All pairs of ten kept sizes and the latest.
      consistencyProofs: (11 * 10) / 2,
    });
    expect(report['keptSizes']).toHaveLength(STEPS);
    process.stdout.write(`go client: ${JSON.stringify(report)}\n`);
  });

  it('is refused by that client when an entry, a tile or a kept checkpoint is another', async () => {
    // Byte 40 lies within the bundle's first entry.
    expect(await refusal(await liar('/tile/entries/007', 40))).toContain(
      'leaf 1792 does not hash to its tile',
    );
    expect(await refusal(await liar('/tile/0/007', 5))).toMatch(
      // x/mod 0.17 skips the parent check of some tiles; the client's own hash of the leaf catches those.
      /downloaded inconsistent tile|leaf 1792 does not hash to its tile/,
    );
    expect(await refusal(await liar('/checkpoint', 60))).not.toContain('accepted');
    const forked = join(work, 'forked');
    mkdirSync(forked);
    const key = createPrivateKey(readFileSync(join(daemon.directory, 'keys', 'log.pem')));
    const other = { origin, treeSize: 5000n, rootHash: new Uint8Array(32) };
    writeFileSync(join(forked, 'fork.checkpoint'), signCheckpoint(other, [createEd25519Signer(origin, key)]));
    expect(await refusal(`${daemon.url}/logs/${origin}`, forked)).toContain('consistency 5000 to 100000');
  });
});
