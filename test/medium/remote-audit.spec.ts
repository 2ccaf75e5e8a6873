/** `lacuna audit --url`: an outsider against an honest daemon, and against servers that change one thing each. */
import { createPrivateKey, randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEd25519Signer, hashLeaf, MemoryTree, parseEntryBundle, signCheckpoint } from '@app/tlog';
import { Command } from 'commander';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { addAuditCommand } from '../../apps/cli/src/commands/audit.command.js';
import { makeTestLedger, TEST_LEDGER } from '../support/ledger.js';
import { modelOperation, requestOperation } from '../support/operations.js';
import { type TestDaemon, testDaemon } from '../support/test-daemon.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

interface Report {
  clean: boolean;
  treeSize: string;
  from: string;
  entriesRead: string;
  tilesCompared: number;
  findings: { place: string; problem: string }[];
}

/** What a server between auditor and log makes of a resource; null: it has none. */
type Change = (path: string, bytes: Buffer) => Buffer | null;

describe('the audit of a log over HTTP', () => {
  const FIRST = 700;
  const SECOND = 66_000;
  let database: TestDatabase;
  let daemon: TestDaemon;
  let origin: string;
  let work: string;
  const at = (name: string) => join(work, name);
  const closers: (() => void)[] = [];
  afterEach(() => closers.splice(0).forEach((close) => close()));

  /** The command as `lacuna` runs it; its exit code and what it printed. */
  const audit = async (...flags: string[]) => {
    const written: string[] = [];
    const out = vi
      .spyOn(process.stdout, 'write')
      .mockImplementation((text) => written.push(String(text)) > 0);
    const program = new Command();
    addAuditCommand(program);
    process.exitCode = 0;
    try {
      await program.parseAsync(['node', 'lacuna', 'audit', ...flags]);
      return { code: Number(process.exitCode), text: written.join('') };
    } finally {
      process.exitCode = 0;
      out.mockRestore();
    }
  };
  const report = async (...flags: string[]) => {
    const { code, text } = await audit('--json', ...flags);
    return { code, ...(JSON.parse(text) as Report) };
  };
  const honest = () => `${daemon.url}/logs/${origin}`;
  const liar = async (change: Change): Promise<string> => {
    const server = createServer((request, response) => {
      void fetch(`${daemon.url}${request.url}`).then(async (answer) => {
        const path = request.url!.slice(`/logs/${origin}/`.length);
        const bytes = change(path, Buffer.from(await answer.arrayBuffer()));
        response.writeHead(bytes ? answer.status : 404).end(bytes);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closers.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/logs/${origin}`;
  };
  const flip =
    (at: string, byte: number): Change =>
    (path, bytes) => {
      if (path === at) bytes[byte]! ^= 1;
      return bytes;
    };

  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), 'lacuna-remote-audit-'));
    database = await testDatabase();
    daemon = await testDaemon(database);
    const { sequencer } = makeTestLedger(database.db);
    const modelId = randomUUID();
    origin = `${TEST_LEDGER}/${modelId}/commitments`;
    await sequencer.append(modelOperation(modelId));
    const append = async (from: number, to: number) => {
      for (let first = from; first < to; first += 10_000) {
        const count = Math.min(10_000, to - first);
        await sequencer.append(
          requestOperation(
            modelId,
            Array.from({ length: count }, (_, n) => `s${first + n}`),
          ),
        );
      }
      await until(async () => {
        const answer = await fetch(`${honest()}/checkpoint`);
        return (await answer.text()).split('\n')[1] === String(to);
      });
    };
    await append(0, FIRST);
    const kept = await report('--url', honest(), '--keep', at('first'));
    expect(kept).toMatchObject({ code: 0, clean: true, treeSize: String(FIRST), entriesRead: String(FIRST) });
    await append(FIRST, SECOND);
  });
  afterAll(async () => {
    await daemon.close();
    await database.close();
    rmSync(work, { recursive: true, force: true });
  });

  it('reads every entry and compares every tile of an honest log', async () => {
    const keys = `${daemon.url}/.well-known/jwks.json`;
    const started = performance.now();
    const full = await report('--url', honest(), '--keys', keys, '--origin', origin);
    const seconds = (performance.now() - started) / 1000;
    process.stdout.write(`remote audit: ${Math.round(SECOND / seconds)} entries/s over HTTP\n`);
    expect(full).toMatchObject({
      code: 0,
      clean: true,
      findings: [],
      from: '0',
      entriesRead: String(SECOND),
    });
    // 257 full and one partial tile of leaves, 1 and one partial above, the top.
    expect(full.tilesCompared).toBe(257 + 1 + 1 + 1 + 1);
    const { code, text } = await audit('--url', honest());
    expect(code).toBe(0);
    expect(text).toContain('CLEAN');
    expect(text).toContain('the log’s own word');
  });

  it('reads from a kept checkpoint on only what is newer, and keeps the new one', async () => {
    const later = await report('--url', honest(), '--from', at('first'), '--keep', at('second'));
    expect(later).toMatchObject({ code: 0, from: String(FIRST), entriesRead: String(SECOND - FIRST) });
    const again = await report('--url', honest(), '--from', at('second'));
    expect(again).toMatchObject({ code: 0, entriesRead: '0', tilesCompared: 0 });
  });

  it.each<[string, Change, string]>([
    ['an entry', flip('tile/entries/001', 40), 'entry 256'],
    ['a hash of a leaf', flip('tile/0/001', 32 * 5), 'entry 261'],
    ['a hash above', flip('tile/1/000', 32 * 5), 'tile/1/000'],
    ['a hash at the edge', flip('tile/1/001.p/1', 3), 'tile/1/001.p/1'],
  ])('names %s that was changed', async (_name, change, place) => {
    const found = await report('--url', await liar(change), '--keep', at('never'));
    expect(found).toMatchObject({ code: 1, clean: false });
    expect(found.findings[0]).toMatchObject({ place });
    expect(existsSync(at('never'))).toBe(false);
  });

  it('names an entry that is not served', async () => {
    const hidden: Change = (path, bytes) => (path.startsWith('tile/entries/002') ? null : bytes);
    const found = await report('--url', await liar(hidden));
    expect(found).toMatchObject({ code: 1, findings: [{ place: 'entry 512' }] });
  });

  it('names a bundle that is cut short', async () => {
    const cut: Change = (path, bytes) => (path === 'tile/entries/002' ? bytes.subarray(0, -1) : bytes);
    expect(await report('--url', await liar(cut))).toMatchObject({
      code: 1,
      findings: [{ place: 'entry 512' }],
    });
  });

  it('names a rollback', async () => {
    await report('--url', honest(), '--keep', at('latest'));
    const older: Change = (path, bytes) => (path === 'checkpoint' ? readFileSync(at('first')) : bytes);
    const url = await liar(older);
    expect(await report('--url', url)).toMatchObject({ code: 0, treeSize: String(FIRST) });
    const found = await report('--url', url, '--from', at('latest'));
    expect(found.code).toBe(1);
    expect(found.findings[0]!.problem).toContain('rolled back');
  });

  it('names a history that was rewritten consistently, with the log’s own key', async () => {
    const key = createPrivateKey(readFileSync(join(daemon.directory, 'keys', 'log.pem')));
    const signer = createEd25519Signer(origin, key);
    const entries = parseEntryBundle(
      new Uint8Array(await (await fetch(`${honest()}/tile/entries/000`)).arrayBuffer()),
    );
    const hashes = entries.map((entry) => hashLeaf(entry));
    const rewritten = new MemoryTree([hashLeaf(Buffer.from('other')), ...hashes.slice(1)]);
    const kept = signCheckpoint({ origin, treeSize: 100n, rootHash: rewritten.root(100n) }, [signer]);
    writeFileSync(at('rewritten'), kept);
    const found = await report('--url', honest(), '--from', at('rewritten'));
    expect(found).toMatchObject({ code: 1, entriesRead: '0' });
    expect(found.findings[0]!.problem).toContain('history was changed');
    const sameSize = signCheckpoint({ origin, treeSize: BigInt(SECOND), rootHash: rewritten.root(1n) }, [
      signer,
    ]);
    writeFileSync(at('fork'), sameSize);
    expect((await report('--url', honest(), '--from', at('fork'))).findings[0]!.problem).toContain('forked');
  });

  it('believes no checkpoint by another key, of another log, or without its witnesses', async () => {
    const other = makeTestLedger(database.db).key.privateKey;
    const forged = signCheckpoint({ origin, treeSize: 1n, rootHash: new Uint8Array(32) }, [
      createEd25519Signer(origin, other),
    ]);
    const url = await liar((path, bytes) => (path === 'checkpoint' ? Buffer.from(forged) : bytes));
    await expect(audit('--url', url)).rejects.toMatchObject({ code: 'TLOG_NOTE_UNSIGNED' });
    await expect(audit('--url', honest(), '--origin', 'elsewhere/events')).rejects.toMatchObject({
      code: 'TLOG_CHECKPOINT_ORIGIN_MISMATCH',
    });
    const witness = 'w+d9a2b5d1';
    writeFileSync(at('policy'), `witness w ${witness}\nquorum w\n`);
    await expect(audit('--url', honest(), '--policy', at('policy'))).rejects.toMatchObject({
      code: 'TLOG_POLICY_MALFORMED',
    });
  });

  it('says when there is no log, and when flags do not go together', async () => {
    await expect(audit('--url', `${daemon.url}/logs/elsewhere/events`)).rejects.toMatchObject({
      code: 'CLI_LOG_UNREACHABLE',
    });
    await expect(audit('--policy', at('policy'))).rejects.toMatchObject({ code: 'CLI_FLAGS_INVALID' });
  });
});
