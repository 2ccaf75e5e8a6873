import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkConsistency, checkInclusion } from '@app/tlog';
import { describe, expect, it } from 'vitest';

const folder = join(import.meta.dirname, 'rfc6962');

function load<T>(kind: 'consistency' | 'inclusion'): [string, T][] {
  return readdirSync(join(folder, kind), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => {
      const text = readFileSync(join(folder, kind, file), 'utf8');
      // Quote the integers: some exceed what a double holds.
      return [file, JSON.parse(text.replace(/: ([0-9]+)(?=[,\n])/g, ': "$1"')) as T];
    });
}

const bytes = (base64: string | null) => Buffer.from(base64 ?? '', 'base64');
const hashes = (proof: string[] | null) => (proof ?? []).map(bytes);

function expectOutcome(check: () => void, wantErr: boolean, code: string): void {
  if (wantErr) expect(check).toThrow(expect.objectContaining({ code }));
  else check();
}

describe('inclusion vectors', () => {
  interface Case {
    leafIdx: string;
    treeSize: string;
    root: string;
    leafHash: string;
    proof: string[] | null;
    wantErr: boolean;
  }
  const cases = load<Case>('inclusion');

  it('are 98, and both outcomes occur', () => {
    expect(cases).toHaveLength(98);
    expect(new Set(cases.map(([, { wantErr }]) => wantErr)).size).toBe(2);
  });

  it.each(cases)('%s', (_, { leafIdx, treeSize, root, leafHash, proof, wantErr }) => {
    const claim = {
      leafHash: bytes(leafHash),
      leafIndex: BigInt(leafIdx),
      treeSize: BigInt(treeSize),
      proof: hashes(proof),
      rootHash: bytes(root),
    };
    expectOutcome(() => checkInclusion(claim), wantErr, 'TLOG_INCLUSION_BROKEN');
  });
});

describe('consistency vectors', () => {
  interface Case {
    size1: string;
    size2: string;
    root1: string;
    root2: string;
    proof: string[] | null;
    wantErr: boolean;
  }
  const cases = load<Case>('consistency');

  it('are 98, and both outcomes occur', () => {
    expect(cases).toHaveLength(98);
    expect(new Set(cases.map(([, { wantErr }]) => wantErr)).size).toBe(2);
  });

  it.each(cases)('%s', (_, { size1, size2, root1, root2, proof, wantErr }) => {
    const claim = {
      fromSize: BigInt(size1),
      fromRoot: bytes(root1),
      toSize: BigInt(size2),
      toRoot: bytes(root2),
      proof: hashes(proof),
    };
    expectOutcome(() => checkConsistency(claim), wantErr, 'TLOG_CONSISTENCY_BROKEN');
  });
});
