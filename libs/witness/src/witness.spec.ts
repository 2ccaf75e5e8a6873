import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createCosigner,
  createEd25519Signer,
  createVerifierKey,
  formatAddCheckpointRequest,
  formatVerifierKey,
  hashLeaf,
  MemoryTree,
  parseAddCheckpointResponse,
  parseNote,
  signCheckpoint,
} from '@app/tlog';
import { beforeEach, describe, expect, it } from 'vitest';
import { KnownLogs } from './known-logs.js';
import { WitnessState } from './witness-state.js';
import { Witness } from './witness.js';

const ORIGIN = 'ledger.test/events';
const logKey = generateKeyPairSync('ed25519').privateKey;
const witnessKey = generateKeyPairSync('ed25519').privateKey;
const cosigner = createCosigner('witness.test', witnessKey, () => 1_700_000_000n);
const ledgerVkey = formatVerifierKey(createEd25519Signer('ledger.test', logKey));

const treeOf = (history: string, size: number) =>
  new MemoryTree(Array.from({ length: size }, (_, n) => hashLeaf(Buffer.from(`${history}${n}`))));

function request(history: string, size: number, oldSize: number, origin = ORIGIN, key = logKey): Buffer {
  const tree = treeOf(history, size);
  const checkpoint = signCheckpoint({ origin, treeSize: BigInt(size), rootHash: tree.root(BigInt(size)) }, [
    createEd25519Signer(origin, key),
  ]);
  const proof = oldSize > 0 && oldSize < size ? tree.proveConsistency(BigInt(oldSize), BigInt(size)) : [];
  return Buffer.from(formatAddCheckpointRequest({ oldSize: BigInt(oldSize), proof, checkpoint }));
}

describe('the reference witness', () => {
  let directory: string;
  let witness: Witness;
  const restart = () => {
    const state = WitnessState.open(directory);
    witness = new Witness({ logs: KnownLogs.parse(`ledger ${ledgerVkey}\n`), state, cosigner });
    return state;
  };
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'lacuna-witness-'));
    const state = restart();
    return () => state.close();
  });

  it('cosigns a log that grows, and the cosignature is good', () => {
    expect(witness.addCheckpoint(request('a', 5, 0)).status).toBe(200);
    const body = request('a', 9, 5);
    const answer = witness.addCheckpoint(body);
    expect(answer.status).toBe(200);
    const { text } = parseNote(body.toString().slice(body.toString().indexOf('\n\n') + 2));
    const [cosignature] = parseAddCheckpointResponse(answer.body, text, [createVerifierKey(cosigner)]);
    expect(cosignature).toMatchObject({ name: 'witness.test', time: 1_700_000_000n });
  });

  it('cosigns the empty tree and the same tree again', () => {
    for (const body of [request('a', 0, 0), request('a', 0, 0), request('a', 3, 0), request('a', 3, 3)]) {
      expect(witness.addCheckpoint(body).status).toBe(200);
    }
  });

  it.each([
    ['a rollback', request('a', 3, 3), 409],
    ['a rollback that admits the size', request('a', 3, 5), 400],
    ['another size than it remembers', request('a', 9, 4), 409],
    ['another history', request('b', 9, 5), 422],
    ['another root at the same size', request('b', 5, 5), 422],
    ['a log it does not know', request('a', 9, 5, 'elsewhere/events'), 404],
    ['a ledger whose name only begins alike', request('a', 9, 5, 'ledger.testing/events'), 404],
    ['another key', request('a', 9, 5, ORIGIN, generateKeyPairSync('ed25519').privateKey), 403],
    ['no request', Buffer.from('hello'), 400],
    ['bytes that are no text', Buffer.from([0xff, 0xfe]), 400],
  ])('refuses %s and remembers what it had', (_name, body, status) => {
    witness.addCheckpoint(request('a', 5, 0));
    const answer = witness.addCheckpoint(body);
    expect(answer.status).toBe(status);
    if (status === 409) expect(answer).toMatchObject({ contentType: 'text/x.tlog.size', body: '5\n' });
    expect(witness.addCheckpoint(request('a', 9, 5)).status).toBe(200);
  });

  it('remembers over restarts, also one without a goodbye', () => {
    witness.addCheckpoint(request('a', 5, 0));
    const lock = join(directory, 'lock');
    // As a killed process leaves it: no process has the largest pid.
    writeFileSync(lock, '4194304');
    restart();
    expect(witness.addCheckpoint(request('b', 7, 0))).toMatchObject({ status: 409, body: '5\n' });
    expect(witness.addCheckpoint(request('b', 7, 5)).status).toBe(422);
  });

  it('is alone with its state', () => {
    expect(() => WitnessState.open(directory)).toThrow(
      expect.objectContaining({ code: 'WITNESS_STATE_IN_USE' }),
    );
  });

  it('cosigns nothing where its memory of the log is damaged', () => {
    witness.addCheckpoint(request('a', 5, 0));
    const [file] = readdirSync(directory).filter((name) => name.endsWith('.tree'));
    for (const damage of ['', 'ledger.test/events\n5\n', `other\n5\n${'A'.repeat(43)}=\n`]) {
      writeFileSync(join(directory, file!), damage);
      expect(() => witness.addCheckpoint(request('a', 9, 5))).toThrow(
        expect.objectContaining({ code: 'WITNESS_STATE_UNREADABLE' }),
      );
    }
  });

  it('keeps each log apart', () => {
    witness.addCheckpoint(request('a', 5, 0));
    expect(witness.addCheckpoint(request('c', 2, 0, 'ledger.test/m/commitments')).status).toBe(200);
    expect(witness.addCheckpoint(request('a', 6, 5)).status).toBe(200);
  });
});

describe('the list of known logs', () => {
  it('knows single logs and whole ledgers', () => {
    const single = formatVerifierKey(createEd25519Signer('other.test/log', logKey));
    const logs = KnownLogs.parse(`# comment\n\nlog ${single}\r\nledger ${ledgerVkey}`);
    expect(logs.verifiersFor('other.test/log')).toHaveLength(1);
    expect(logs.verifiersFor('other.test/log/more')).toHaveLength(0);
    expect(logs.verifiersFor('ledger.test/x/commitments')[0]?.name).toBe('ledger.test/x/commitments');
    expect(logs.verifiersFor('ledger.test')).toHaveLength(0);
  });

  it.each([
    'log',
    'log not-a-key',
    `log ${ledgerVkey} more`,
    `witness ${ledgerVkey}`,
    `log ${formatVerifierKey(cosigner)}`,
  ])('refuses the line %j by its number', (line) => {
    expect(() => KnownLogs.parse(`# first\n${line}\n`)).toThrow(
      expect.objectContaining({ code: 'WITNESS_LOGS_MALFORMED', details: { line: 2 } }),
    );
  });
});
