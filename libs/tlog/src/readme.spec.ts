import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import * as tlog from './index.js';

it('runs the README example', async () => {
  const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8');
  const example = /```ts\n(.*?)```/s.exec(readme)![1]!;
  const given = {
    ...tlog,
    privateKey: generateKeyPairSync('ed25519').privateKey,
    salt: Buffer.alloc(32, 1),
  };
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the text is our own README
  const run = new Function(
    'given',
    `return (async () => { with (given) { ${example}; return file; } })();`,
  ) as (names: typeof given) => Promise<string>;
  expect(await run(given)).toMatch(/^c2sp\.org\/tlog-proof@v1\nindex 0\n/);
});
