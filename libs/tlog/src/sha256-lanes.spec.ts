import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { HashLanes, LANES, paddedBlocks } from './sha256-lanes.js';

const digestOf = (message: Uint8Array) => createHash('sha256').update(message).digest('hex');

/** Messages at one distance, hashed in one call, their digests one after the other. */
function hashed(messages: readonly Uint8Array[]): string[] {
  const stride = 64 * Math.max(...messages.map(({ length }) => paddedBlocks(length)));
  const count = Math.ceil(messages.length / LANES) * LANES;
  const lanes = new HashLanes(count * (stride + 4 + 32));
  const [at, blocks] = [lanes.allocate(count * stride), lanes.allocate(count * 4)];
  const digests = lanes.allocate(count * 32);
  for (const [n, message] of messages.entries()) {
    lanes.pad(at + n * stride, message.length, blocks + 4 * n);
    lanes.bytes.set(message, at + n * stride);
  }
  lanes.hash({ at, stride, count, blocks }, { at: digests, step: 32, pair: 64 });
  return messages.map((_message, n) =>
    Buffer.from(lanes.bytes.subarray(digests + 32 * n, digests + 32 * (n + 1))).toString('hex'),
  );
}

describe('HashLanes', () => {
  it('has the digests of the examples of the standard', () => {
    // FIPS 180-2 appendix B.1 and B.2.
    expect(
      hashed(
        ['abc', 'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'].map((text) => Buffer.from(text)),
      ),
    ).toEqual([
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    ]);
  });

  it('hashes messages of every length around a block as node:crypto does, whatever lies beside them', () => {
    const messages = Array.from({ length: 333 }, (_, length) =>
      Uint8Array.from({ length }, (_byte, at) => (length * 31 + at * 17) & 0xff),
    );
    expect(hashed(messages)).toEqual(messages.map(digestOf));
    const mixed = messages.map((_message, n) => messages[(n * 131) % messages.length]!);
    expect(hashed(mixed)).toEqual(mixed.map(digestOf));
  });

  it('puts digests in pairs', () => {
    const lanes = new HashLanes(LANES * (64 + 4) + 1000);
    const [at, blocks] = [lanes.allocate(LANES * 64), lanes.allocate(LANES * 4)];
    const digests = lanes.allocate(1000);
    for (let n = 0; n < LANES; n += 1) lanes.pad(at + 64 * n, n, blocks + 4 * n);
    lanes.hash({ at, stride: 64, count: LANES, blocks }, { at: digests + 1, step: 40, pair: 500 });
    for (const [n, place] of [1, 41, 501, 541].entries()) {
      const digest = lanes.bytes.subarray(digests + place, digests + place + 32);
      expect(Buffer.from(digest).toString('hex')).toBe(digestOf(new Uint8Array(n)));
    }
  });

  it('gives out no more memory than it has', () => {
    expect(() => new HashLanes(1000).allocate(65_536)).toThrow(RangeError);
  });
});
