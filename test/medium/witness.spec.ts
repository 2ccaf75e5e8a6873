/**
 * A daemon and two witnesses, each with its own key and memory, over sockets: nothing is published without the quorum,
 * a log that forks or lost entries gets no cosignature from either, and the daemon says why.
 */
import {
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  cpSync,
  mkdirSync,
  chmodSync,
} from 'node:fs';
import { createPrivateKey, randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@app/logging';
import {
  createEd25519Signer,
  createVerifierKey,
  formatVerifierKey,
  openWitnessedCheckpoint,
  parsePolicy,
} from '@app/tlog';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RunningWitness, startWitness } from '../../apps/cli/src/commands/witness.js';
import { makeTestLedger, TEST_LEDGER } from '../support/ledger.js';
import { modelOperation } from '../support/operations.js';
import { type TestDaemon, testDaemon } from '../support/test-daemon.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const EVENTS = `${TEST_LEDGER}/events`;
const silent = createLogger({ name: 'witness', level: 'silent' });

describe('a ledger with two witnesses', () => {
  let work: string;
  let database: TestDatabase;
  const closers: (() => Promise<void> | void)[] = [];

  beforeEach(async () => {
    work = mkdtempSync(join(tmpdir(), 'lacuna-witnesses-'));
    database = await openDatabase();
  });
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
    rmSync(work, { recursive: true, force: true });
  });

  const openDatabase = async () => {
    const opened = await testDatabase();
    closers.push(() => opened.close());
    return opened;
  };

  /** The log key exists before the daemon, so that witnesses can know it first. */
  const logKeyFile = () => {
    const path = join(work, 'log.pem');
    const pem = makeTestLedger(database.db).key.privateKey.export({ format: 'pem', type: 'pkcs8' });
    writeFileSync(path, pem, { mode: 0o600, flag: 'ax' });
    return path;
  };
  const witness = async (name: string, port = 0): Promise<RunningWitness> => {
    const key = createPrivateKey(readFileSync(join(work, 'log.pem')));
    const logs = join(work, 'known-logs');
    writeFileSync(logs, `ledger ${formatVerifierKey(createEd25519Signer(TEST_LEDGER, key))}\n`);
    const running = await startWitness(
      { name: `${name}.test`, logs, data: join(work, name), host: '127.0.0.1', port },
      silent,
    );
    closers.push(() => running.close());
    return running;
  };
  const policyFile = (witnesses: Record<string, { vkey: string; url: string }>, threshold = 'all') => {
    const path = join(work, `policy-${randomUUID()}`);
    const names = Object.keys(witnesses);
    const lines = names.map((name) => `witness ${name} ${witnesses[name]!.vkey} ${witnesses[name]!.url}`);
    writeFileSync(
      path,
      [...lines, `group all-of-us ${threshold} ${names.join(' ')}`, 'quorum all-of-us', ''].join('\n'),
    );
    return path;
  };
  const startDaemon = async (policy: string, on = database): Promise<TestDaemon> => {
    const daemon = await testDaemon(on, {
      settings: {
        LACUNA_LOG_KEY: join(work, 'log.pem'),
        LACUNA_WITNESS_POLICY: policy,
      },
    });
    let open = true;
    const close = async () => {
      if (open) await daemon.close();
      open = false;
    };
    closers.push(close);
    return { ...daemon, close };
  };
  const append = (on = database) => makeTestLedger(on.db).sequencer.append(modelOperation(randomUUID()));
  const note = async (daemon: TestDaemon) => {
    const answer = await fetch(`${daemon.url}/logs/${EVENTS}/checkpoint`);
    return answer.ok ? answer.text() : null;
  };
  const sizeOf = (text: string | null) => (text === null ? null : Number(text.split('\n')[1]));
  const published = (daemon: TestDaemon, size: number) =>
    until(async () => sizeOf(await note(daemon)) === size);
  const readiness = async (daemon: TestDaemon) => {
    const answer = await fetch(`${daemon.url}/readyz`);
    return { status: answer.status, reasons: ((await answer.json()) as { reasons: string[] }).reasons };
  };
  const signedSize = async (on = database) => {
    const [row] = await on.sql<{ size: bigint }[]>`
      select max(tree_size) as size from checkpoint join log using (log_id) where origin = ${EVENTS}`;
    return Number(row!.size);
  };

  const cosignatures = async (on = database) => {
    const rows = await on.sql`
      select key_name, tree_size from checkpoint_cosignature join log using (log_id) where origin = ${EVENTS}`;
    return rows.length;
  };

  it('publishes what both cosigned, with their verified cosignatures', async () => {
    logKeyFile();
    const [a, b] = [await witness('a'), await witness('b')];
    const policy = policyFile({ a, b });
    const daemon = await startDaemon(policy);
    await append();
    await append();
    await published(daemon, 2);
    const key = createEd25519Signer(EVENTS, createPrivateKey(readFileSync(join(work, 'log.pem'))));
    const opened = openWitnessedCheckpoint(
      (await note(daemon))!,
      parsePolicy(readFileSync(policy)),
      EVENTS,
      createVerifierKey(key),
    );
    expect(opened.cosignatures.map((one) => one.witness).sort()).toEqual(['a', 'b']);
    expect((await readiness(daemon)).status).toBe(200);
    expect(await cosignatures()).toBeGreaterThanOrEqual(2);
    expect(statSync(join(work, 'a', 'witness.pem')).mode & 0o777).toBe(0o600);
  });

  it('publishes nothing new while one of two is away, says so, and goes on when it is back', async () => {
    logKeyFile();
    const [a, b] = [await witness('a'), await witness('b')];
    const daemon = await startDaemon(policyFile({ a, b }));
    await append();
    await published(daemon, 1);
    const { port } = new URL(b.url);
    await b.close();
    await append();
    await until(async () => (await readiness(daemon)).status === 503);
    expect(await signedSize()).toBe(2);
    expect(sizeOf(await note(daemon))).toBe(1);
    expect((await readiness(daemon)).reasons.join()).toContain('witness b cannot be reached');
    const metrics = await (await fetch(`${daemon.url}/metrics`)).text();
    expect(metrics).toMatch(/lacuna_withheld_checkpoints [1-9]/);
    expect(metrics).toMatch(/lacuna_witness_failures_total\{witness="b",code="WITNESS_UNREACHABLE"\} [1-9]/);
    // Neither proofs nor exact sizes see what is withheld.
    expect((await fetch(`${daemon.url}/logs/${EVENTS}/tile/0/000.p/2`)).status).toBe(404);
    await witness('b', Number(port));
    await published(daemon, 2);
    await until(async () => (await readiness(daemon)).status === 200);
  });

  it('is content with one of two where the policy is, and stays so when that one changes', async () => {
    logKeyFile();
    const [a, b] = [await witness('a'), await witness('b')];
    const daemon = await startDaemon(policyFile({ a, b }, 'any'));
    await b.close();
    await append();
    await published(daemon, 1);
    expect(await note(daemon)).toContain('— a.test ');
  });

  it('gets no cosignature from either when the log forks, and says that it is a fork', async () => {
    logKeyFile();
    const [a, b] = [await witness('a'), await witness('b')];
    const policy = policyFile({ a, b });
    const honest = await startDaemon(policy);
    for (let n = 0; n < 3; n += 1) await append();
    await published(honest, 3);
    const kept = (await note(honest))!;
    await honest.close();

    // The same ledger and key, another history, and a signer that was made to forget.
    const forkedDatabase = await openDatabase();
    const forked = await startDaemon(policy, forkedDatabase);
    await append(forkedDatabase);
    const ahead = /witness (a|b) has cosigned 3 entries, this checkpoint has only 1/;
    await until(async () => (await readiness(forked)).reasons.some((reason) => ahead.test(reason)));
    for (let n = 0; n < 4; n += 1) await append(forkedDatabase);
    await until(async () => {
      const reasons = (await readiness(forked)).reasons.join();
      return ['a', 'b'].every((name) =>
        reasons.includes(`witness ${name} has seen another history of the log`),
      );
    });
    expect(await signedSize(forkedDatabase)).toBe(5);
    // Size 0 is the same for both histories, but the witnesses are past it.
    expect(await note(forked)).toBeNull();
    expect(await cosignatures(forkedDatabase)).toBe(0);
    expect(forked.logLines.join('')).toContain('WITNESS_REFUSED');
    await forked.close();

    // The witnesses' memory is unharmed: the honest history goes on.
    const again = await startDaemon(policy);
    await append();
    await published(again, 4);
    expect(sizeOf(kept)).toBe(3);
  });

  it('refuses a cosignature that is not the witness’s, and one that comes too late counts later', async () => {
    logKeyFile();
    const [a, b] = [await witness('a'), await witness('b')];
    // Between daemon and witness b sits somebody who answers with a's cosignature first, then passes b's on.
    const state = { lie: true };
    const proxy = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        void fetch(`${state.lie ? a.url : b.url}${request.url}`, {
          method: 'POST',
          body: Buffer.concat(chunks),
        }).then(async (answer) => response.writeHead(answer.status).end(await answer.text()));
      });
    });
    const url = await listen(proxy);
    closers.push(() => void proxy.close());
    const daemon = await startDaemon(policyFile({ a, b: { vkey: b.vkey, url } }));
    await append();
    await until(async () =>
      (await readiness(daemon)).reasons.join().includes('witness b answered without a good cosignature'),
    );
    expect(await note(daemon)).toBeNull();
    state.lie = false;
    await published(daemon, 1);
  });

  it('keeps a daemon with an impossible policy from starting', async () => {
    logKeyFile();
    const a = await witness('a');
    const broken = join(work, 'broken');
    writeFileSync(broken, `witness a ${a.vkey}\nquorum a\n`);
    await expect(startDaemon(broken)).rejects.toMatchObject({ code: 'WITNESS_POLICY_UNUSABLE' });
    await expect(startDaemon(join(work, 'nowhere'))).rejects.toMatchObject({
      code: 'DAEMON_WITNESS_POLICY_UNREADABLE',
    });
  });

  it('refuses a witness key that others may read', async () => {
    logKeyFile();
    await (await witness('a')).close();
    cpSync(join(work, 'a'), join(work, 'c'), { recursive: true });
    mkdirSync(join(work, 'c'), { recursive: true });
    chmodSync(join(work, 'c', 'witness.pem'), 0o644);
    await expect(witness('c')).rejects.toMatchObject({ code: 'WITNESS_KEY_UNUSABLE' });
  });
});

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
