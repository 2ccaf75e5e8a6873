/** Runs the README's examples as they are printed there. */
import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import * as library from './index.js';
import { attest, bundleOf, KEYS_SINCE, ledgerKeySet, ledgerVkey, logKey, NOW } from './ledger.fixture.js';
import { formatResultLeaf } from './result-leaf.js';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const [verifying = '', signing = '', bundling = ''] = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(
  (m) => m[1]!,
);
const world = await attest();
const keySet = ledgerKeySet();
/** The examples ask for the current time; the fixture's is fixed. */
const FixedDate = class extends Date {
  constructor() {
    super(NOW);
  }
};

/** Runs `example` with the library and `given` in scope; what it prints and the values named in `names`. */
async function run(example: string, given: object, names: string[]) {
  const printed: string[] = [];
  const process = { stdout: { write: (text: string) => printed.push(text) } };
  const console = { log: (...words: string[]) => printed.push(words.join(' ')) };
  const values = await (runInNewContext(`(async () => {${example}\nreturn { ${names.join(', ')} };})()`, {
    ...library,
    ...given,
    process,
    console,
    Date: FixedDate,
  }) as Promise<Record<string, string>>);
  return { printed, values };
}

describe('the README', () => {
  it('verifies an attestation with everything', async () => {
    const { previousJws, tlogProof, jws } = world;
    const { printed } = await run(
      verifying,
      {
        jws,
        jwksText: library.formatKeySet(keySet),
        tlogProof,
        previousJws,
        resultLines: world.results.map(formatResultLeaf),
      },
      [],
    );
    expect(printed.join('')).toMatch(/^VERIFIED attestation\n/);
    expect(printed.join('')).not.toContain('skipped');
  });

  it('signs an attestation that its own key set verifies', async () => {
    const active = { status: 'active', notBefore: KEYS_SINCE } as const;
    const { values } = await run(
      signing,
      {
        artifactSha256: '4'.repeat(64),
        predicate: world.statement.predicate,
        notBefore: KEYS_SINCE,
        checkpointEntry: library.publishKey(logKey.publicJwk, active, ledgerVkey(logKey)),
      },
      ['jws', 'jwksText'],
    );
    const evidence = { keySet: library.parseKeySet(values.jwksText!), now: NOW };
    const account = await library.verifyAttestation(values.jws!, evidence);
    expect(account.statement.predicate).toEqual(world.statement.predicate);
  });

  it('verifies a bundle and lists its samples', async () => {
    const { printed } = await run(
      bundling,
      { bundleText: library.formatBundle(bundleOf(world)), keySet },
      [],
    );
    expect(printed).toHaveLength(5);
    expect(printed[0]).toBe('sample-2-0 NO_RESIDUAL_EVIDENCE');
  });
});
