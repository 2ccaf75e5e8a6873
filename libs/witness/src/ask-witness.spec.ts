/** Witnesses that behave, lie, lag or hang, each a handler on a loopback socket. */
import { generateKeyPairSync } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  createCosigner,
  createEd25519Signer,
  createVerifierKey,
  formatAddCheckpointResponse,
  formatVerifierKey,
  hashLeaf,
  MemoryTree,
  parseAddCheckpointRequest,
  parseNote,
  signCheckpoint,
} from '@app/tlog';
import { afterEach, describe, expect, it } from 'vitest';
import { askWitness, type CosignRequest } from './ask-witness.js';
import { parsePublishingPolicy } from './publishing-policy.js';

const ORIGIN = 'ledger.test/events';
const tree = new MemoryTree(Array.from({ length: 9 }, (_, n) => hashLeaf(Buffer.from(`${n}`))));
const note = signCheckpoint({ origin: ORIGIN, treeSize: 9n, rootHash: tree.root(9n) }, [
  createEd25519Signer(ORIGIN, generateKeyPairSync('ed25519').privateKey),
]);
const { text } = parseNote(note);
const cosignerOf = (time = 1_700_000_000n) =>
  createCosigner('witness.test', generateKeyPairSync('ed25519').privateKey, () => time);
const cosigner = cosignerOf();
const good = formatAddCheckpointResponse(text, [cosigner]);

const request = (oldSize: bigint): CosignRequest => ({
  note,
  treeSize: 9n,
  oldSize,
  proveConsistency: (from) => Promise.resolve(tree.proveConsistency(from, 9n)),
});

type Reply = { status: number; body: string } | 'silence';

describe('asking a witness', () => {
  let server: Server | undefined;
  const bodies: string[] = [];
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
    bodies.length = 0;
  });
  /** Each request gets the next reply, the last one again and again. */
  const witness = async (...replies: Reply[]) => {
    server = createServer((incoming, response) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        bodies.push(Buffer.concat(chunks).toString());
        const reply = replies.length > 1 ? replies.shift()! : replies[0]!;
        if (reply !== 'silence')
          response.writeHead(incoming.url === '/w/add-checkpoint' ? reply.status : 404).end(reply.body);
      });
    });
    await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/w`;
    return { name: 'w', key: createVerifierKey(cosigner), url };
  };
  const ask = async (oldSize: bigint, ...replies: Reply[]) =>
    askWitness(await witness(...replies), request(oldSize), { timeoutMs: 500 });

  it('returns a verified cosignature', async () => {
    expect(await ask(0n, { status: 200, body: good })).toMatchObject({
      name: 'witness.test',
      time: 1_700_000_000n,
    });
    expect(parseAddCheckpointRequest(bodies[0]!)).toMatchObject({ oldSize: 0n, proof: [] });
  });

  it('starts again from the size a conflict names', async () => {
    await ask(0n, { status: 409, body: '4\n' }, { status: 200, body: good });
    const { oldSize, proof } = parseAddCheckpointRequest(bodies[1]!);
    expect(oldSize).toBe(4n);
    expect(proof).toEqual(tree.proveConsistency(4n, 9n));
  });

  it('sends no proof where the witness has that very tree', async () => {
    await ask(3n, { status: 409, body: '9\n' }, { status: 200, body: good });
    expect(parseAddCheckpointRequest(bodies[1]!)).toMatchObject({ oldSize: 9n, proof: [] });
  });

  it.each<[string, bigint, Reply[], string, boolean]>([
    ['is ahead of the log', 0n, [{ status: 409, body: '10\n' }], 'WITNESS_AHEAD', true],
    [
      'conflicts with the size it was sent',
      4n,
      [{ status: 409, body: '4\n' }],
      'WITNESS_ANSWER_INVALID',
      false,
    ],
    [
      'conflicts for ever',
      0n,
      ['1', '2', '3', '4', '5'].map((size) => ({ status: 409, body: `${size}\n` })),
      'WITNESS_ANSWER_INVALID',
      false,
    ],
    ['conflicts without a size', 0n, [{ status: 409, body: 'no' }], 'WITNESS_ANSWER_INVALID', false],
    ['answers 200 with nothing', 0n, [{ status: 200, body: '' }], 'WITNESS_ANSWER_INVALID', false],
    [
      'signs with another key',
      0n,
      [{ status: 200, body: formatAddCheckpointResponse(text, [cosignerOf()]) }],
      'WITNESS_ANSWER_INVALID',
      false,
    ],
    [
      'signs another tree',
      0n,
      [{ status: 200, body: formatAddCheckpointResponse(text.replace('\n9\n', '\n8\n'), [cosigner]) }],
      'WITNESS_ANSWER_INVALID',
      false,
    ],
    [
      'breaks its signature',
      0n,
      [{ status: 200, body: good.replace(/.{8}\n$/, 'AAAAAAA=\n') }],
      'WITNESS_ANSWER_INVALID',
      false,
    ],
    ['has seen another history', 0n, [{ status: 422, body: '' }], 'WITNESS_REFUSED', false],
    ['does not know the log', 0n, [{ status: 404, body: '' }], 'WITNESS_REFUSED', false],
    ['is broken', 0n, [{ status: 503, body: '' }], 'WITNESS_UNREACHABLE', true],
    ['redirects', 0n, [{ status: 307, body: '' }], 'WITNESS_UNREACHABLE', true],
    ['talks without end', 0n, [{ status: 200, body: 'x'.repeat(70_000) }], 'WITNESS_UNREACHABLE', true],
    ['hangs', 0n, ['silence'], 'WITNESS_UNREACHABLE', true],
  ])('names a witness that %s', async (_name, oldSize, replies, code, retryable) => {
    await expect(ask(oldSize, ...replies)).rejects.toMatchObject({ code, retryable });
  });

  it('can be told to stop waiting', async () => {
    const stop = new AbortController();
    const answer = askWitness(await witness('silence'), request(0n), {
      timeoutMs: 60_000,
      signal: stop.signal,
    });
    stop.abort();
    await expect(answer).rejects.toMatchObject({ code: 'WITNESS_UNREACHABLE' });
  });

  it('names one that is not there', async () => {
    const gone = await witness('silence');
    server!.close();
    await expect(askWitness(gone, request(0n), { timeoutMs: 500 })).rejects.toMatchObject({
      code: 'WITNESS_UNREACHABLE',
    });
  });
});

describe('a policy to publish under', () => {
  const vkeys = ['a', 'b'].map((name) => {
    const { publicKey, type } = createCosigner(name, generateKeyPairSync('ed25519').privateKey, () => 1n);
    return formatVerifierKey({ name, type, publicKey });
  });

  it('is refused where its quorum can never be met', () => {
    const lines = `witness a ${vkeys[0]} https://a.test\nwitness b ${vkeys[1]}\n`;
    expect(parsePublishingPolicy(`${lines}group g any a b\nquorum g\n`).witnesses).toHaveLength(2);
    expect(() => parsePublishingPolicy(`${lines}group g all a b\nquorum g\n`)).toThrow(
      expect.objectContaining({ code: 'WITNESS_POLICY_UNUSABLE' }),
    );
  });

  it('is refused where a witness has no web address', () => {
    expect(() => parsePublishingPolicy(`witness a ${vkeys[0]} ftp://a.test\nquorum a\n`)).toThrow(
      expect.objectContaining({ code: 'WITNESS_POLICY_UNUSABLE' }),
    );
  });
});
