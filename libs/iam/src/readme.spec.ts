/** The README's example is run as it stands there. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import * as iam from './index.js';

it('the example of the README gives what the README says', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const [, code, said] = /```js\n(.*?)```\n\ngives `(.*?)`/s.exec(readme)!;
  const body = code!
    .replace(/^import (\{.*?\}) from '@app\/iam';/s, 'const $1 = iam;')
    .replace('export const attested =', 'return');
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the point of the test
  const attested = (new Function('iam', body) as (library: typeof iam) => unknown)(iam);
  expect(attested).toEqual(JSON.parse(said!.replaceAll("'", '"')));
});
