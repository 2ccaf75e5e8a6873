import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatCheckpoint, signCheckpoint } from './checkpoint.js';
import { createCosigner } from './cosignature.js';
import { createEd25519Signer } from './ed25519.js';
import { EMPTY_ROOT, hashLeaf } from './hash.js';
import { addNoteSignatures, openNote } from './signed-note.js';
import { MemoryTree } from './tree.js';
import { createVerifierKey } from './verifier-key.js';
import {
  checkAddCheckpoint,
  formatAddCheckpointRequest,
  formatAddCheckpointResponse,
  formatSizeConflict,
  parseAddCheckpointRequest,
  parseAddCheckpointResponse,
  parseSizeConflict,
} from './witness.js';

const key = () => generateKeyPairSync('ed25519').privateKey;
const log = createEd25519Signer('log.example', key());
const logKey = createVerifierKey(log);
const leaves = Array.from({ length: 40 }, (_, i) => hashLeaf(Uint8Array.of(i)));
const tree = new MemoryTree(leaves);
const fork = new MemoryTree(leaves.map((leaf, i) => (i === 2 ? hashLeaf(Uint8Array.of(99)) : leaf)));
const withCode = (code: string) => expect.objectContaining({ name: 'TlogError', code }) as Error;

function request(from: number, to: number, of = tree, signer = log) {
  const checkpoint = { origin: log.name, treeSize: BigInt(to), rootHash: of.root(BigInt(to)) };
  return {
    oldSize: BigInt(from),
    proof: from <= to ? of.proveConsistency(BigInt(from), BigInt(to)) : [],
    checkpoint: signCheckpoint(checkpoint, [signer]),
  };
}
const parsed = (value: ReturnType<typeof request>) =>
  parseAddCheckpointRequest(formatAddCheckpointRequest(value));
const seen = (size: number) => ({ treeSize: BigInt(size), rootHash: tree.root(BigInt(size)) });

describe('add-checkpoint bodies', () => {
  it('round-trip', () => {
    fc.assert(
      fc.property(fc.nat(40), fc.nat(40), (a, b) => {
        const value = request(Math.min(a, b), Math.max(a, b));
        expect(parsed(value)).toMatchObject(value);
      }),
      { seed: 15, numRuns: 50 },
    );
  });

  it('have the specification’s shape', () => {
    const body = formatAddCheckpointRequest(request(5, 9));
    expect(body).toMatch(
      /^old 5\n([A-Za-z0-9+/]{43}=\n){5}\nlog\.example\n9\n[^\n]+\n\n— log\.example \S+\n$/,
    );
    expect(formatAddCheckpointRequest(request(0, 9))).toMatch(/^old 0\n\nlog\.example\n/);
  });

  it('hold at most 63 hashes', () => {
    const value = request(5, 9);
    const proof = (count: number) => Array.from({ length: count }, () => leaves[0]!);
    expect(parsed({ ...value, proof: proof(63) }).proof).toHaveLength(63);
    expect(() => formatAddCheckpointRequest({ ...value, proof: proof(64) })).toThrow(
      withCode('TLOG_WITNESS_MALFORMED'),
    );
    const body = formatAddCheckpointRequest({ ...value, proof: proof(63) });
    const line = body.split('\n')[1]!;
    expect(() => parseAddCheckpointRequest(body.replace('old 5\n', `old 5\n${line}\n`))).toThrow(
      withCode('TLOG_WITNESS_MALFORMED'),
    );
  });

  const body = formatAddCheckpointRequest(request(5, 9));
  it.each([
    ['no old line', body.replace(/^old 5\n/, '')],
    ['a leading zero', body.replace('old 5', 'old 05')],
    ['a negative size', body.replace('old 5', 'old -5')],
    ['two spaces', body.replace('old 5', 'old  5')],
    ['a short hash', body.replace(/\n[^\n]{4}/, '\n')],
    ['no blank line', body.replaceAll('\n\n', '\n')],
    ['bytes that are not UTF-8', Buffer.concat([Buffer.from(body), Buffer.of(0xff)])],
  ])('with %s are refused', (_, malformed) => {
    expect(() => parseAddCheckpointRequest(malformed)).toThrow(withCode('TLOG_WITNESS_MALFORMED'));
  });

  it('must end in a signed checkpoint', () => {
    expect(() => parseAddCheckpointRequest('old 0\n\nhello\n')).toThrow(withCode('TLOG_NOTE_MALFORMED'));
    expect(() => parseAddCheckpointRequest(body.replace('\n9\n', '\nnine\n'))).toThrow(
      withCode('TLOG_CHECKPOINT_MALFORMED'),
    );
  });
});

describe('a witness’s decision', () => {
  it('accepts every honest step', () => {
    for (let from = 0; from <= 40; from++) {
      for (let to = from; to <= 40; to++) {
        const latest = from === 0 ? undefined : seen(from);
        const accepted = checkAddCheckpoint(parsed(request(from, to)), [logKey], latest);
        expect(accepted.treeSize).toBe(BigInt(to));
        expect(accepted.rootHash).toEqual(tree.root(BigInt(to)));
      }
    }
    checkAddCheckpoint(parsed(request(0, 9)), [logKey], { treeSize: 0n, rootHash: EMPTY_ROOT });
  });

  it.each([
    ['a log it has no key of', request(0, 9), [], undefined, 'TLOG_WITNESS_LOG_UNKNOWN'],
    [
      'a checkpoint by another key',
      request(0, 9, tree, createEd25519Signer('log.example', key())),
      [logKey],
      undefined,
      'TLOG_NOTE_UNSIGNED',
    ],
    [
      'a checkpoint that was changed',
      { ...request(0, 9), checkpoint: request(0, 9).checkpoint.replace('\n9\n', '\n8\n') },
      [logKey],
      undefined,
      'TLOG_NOTE_SIGNATURE_INVALID',
    ],
    ['an old size above the checkpoint', request(12, 9), [logKey], seen(12), 'TLOG_WITNESS_MALFORMED'],
    ['a stale old size', request(5, 9), [logKey], seen(7), 'TLOG_WITNESS_CONFLICT'],
    ['an old size of 0 for a known log', request(0, 9), [logKey], seen(7), 'TLOG_WITNESS_CONFLICT'],
    ['an old size for a log it never saw', request(5, 9), [logKey], undefined, 'TLOG_WITNESS_CONFLICT'],
    ['a forked log', request(5, 9, fork), [logKey], seen(5), 'TLOG_CONSISTENCY_BROKEN'],
    ['another root at the same size', request(9, 9, fork), [logKey], seen(9), 'TLOG_WITNESS_FORK'],
    ['a missing proof', { ...request(5, 9), proof: [] }, [logKey], seen(5), 'TLOG_CONSISTENCY_BROKEN'],
    [
      'a proof at the same size',
      { ...request(9, 9), proof: [leaves[0]!] },
      [logKey],
      seen(9),
      'TLOG_CONSISTENCY_BROKEN',
    ],
    [
      'a proof from size 0',
      { ...request(0, 9), proof: [leaves[0]!] },
      [logKey],
      undefined,
      'TLOG_CONSISTENCY_BROKEN',
    ],
    [
      'an empty tree with another root',
      {
        ...request(0, 0),
        checkpoint: signCheckpoint({ origin: log.name, treeSize: 0n, rootHash: leaves[0]! }, [log]),
      },
      [logKey],
      undefined,
      'TLOG_CONSISTENCY_BROKEN',
    ],
  ])('refuses %s', (_, value, verifiers, latest, code) => {
    expect(() => checkAddCheckpoint(parsed(value), verifiers, latest)).toThrow(withCode(code));
  });

  it('tells the size it holds in a conflict', () => {
    expect(() => checkAddCheckpoint(parsed(request(5, 9)), [logKey], seen(7))).toThrow(
      expect.objectContaining({ details: { treeSize: '7' } }),
    );
    expect(formatSizeConflict(7n)).toBe('7\n');
    expect(parseSizeConflict('7\n')).toBe(7n);
    for (const body of ['7', '', '\n', '07\n', '7\n\n', 'x\n']) {
      expect(() => parseSizeConflict(body)).toThrow(withCode('TLOG_WITNESS_MALFORMED'));
    }
  });
});

describe('a witness’s answer', () => {
  const text = formatCheckpoint({ origin: log.name, treeSize: 9n, rootHash: tree.root(9n) });
  const note = request(0, 9).checkpoint;
  const witness = createCosigner('w.example/1', key(), () => 77n);
  const stranger = createCosigner('w.example/2', key(), () => 78n);
  const known = createVerifierKey(witness);

  it('holds cosignatures that complete the checkpoint', () => {
    const body = formatAddCheckpointResponse(text, [stranger, witness]);
    const cosignatures = parseAddCheckpointResponse(body, text, [known]);
    expect(cosignatures).toMatchObject([{ name: 'w.example/1', time: 77n }]);
    expect(openNote(addNoteSignatures(note, cosignatures), [logKey, known]).verified).toHaveLength(2);
  });

  it('is refused without a known key, over another checkpoint, without a time, or malformed', () => {
    const bodyOf = (over: string, cosigner: typeof witness) => formatAddCheckpointResponse(over, [cosigner]);
    const read = (body: string) => () => parseAddCheckpointResponse(body, text, [known]);
    expect(read(bodyOf(text, stranger))).toThrow(withCode('TLOG_NOTE_UNSIGNED'));
    expect(read(bodyOf(text.replace('9', '8'), witness))).toThrow(withCode('TLOG_NOTE_SIGNATURE_INVALID'));
    expect(read('')).toThrow(withCode('TLOG_NOTE_MALFORMED'));
    expect(read('<html>\n')).toThrow(withCode('TLOG_NOTE_MALFORMED'));
    const privateKey = key();
    const timeless = createCosigner('w.example/3', privateKey, () => 0n);
    expect(() =>
      parseAddCheckpointResponse(bodyOf(text, timeless), text, [createVerifierKey(timeless)]),
    ).toThrow(withCode('TLOG_COSIGNATURE_MALFORMED'));
  });
});
