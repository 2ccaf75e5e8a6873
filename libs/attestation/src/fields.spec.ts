import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { base64, decimal, hash, instant, name, origin, reasonCode, sha256Hex } from './fields.js';

const cases: readonly [string, z.ZodType, readonly unknown[], readonly unknown[]][] = [
  ['decimal', decimal, ['0', '7', '9223372036854775807'], ['', '00', '-1', '1e3', '9223372036854775808', 7]],
  ['base64', base64(), ['', 'AA==', 'AAA=', 'AAAA', '+/+/'], ['AA', 'AB==', 'A A=', '-_-_', 'AA=']],
  ['hash', hash, [`${'A'.repeat(43)}=`], ['AAAA', `${'A'.repeat(42)}B=`]],
  ['sha256Hex', sha256Hex, ['0'.repeat(64)], ['0'.repeat(63), 'A'.repeat(64), 'g'.repeat(64)]],
  [
    'instant',
    instant,
    ['2026-11-23T14:00:00.000Z'],
    ['2026-11-23T14:00:00Z', '2026-11-23T14:00:00.000+00:00', '2026-13-01T00:00:00.000Z', '2026-11-23'],
  ],
  ['name', name, ['Ärzte ohne Grenzen', 'a b'], ['', 'a\nb', 'a\u0000', 'a\u001b[1m', 'x'.repeat(513)]],
  ['origin', origin, ['ledger.example/m/commitments'], ['a b', 'a+b', '']],
  ['reasonCode', reasonCode, ['POWER_BELOW_FLOOR'], ['power', 'A', 'A B']],
];

describe.each(cases)('%s', (_name, schema, good, bad) => {
  it.each(good.map((value) => [value]))('takes %j', (value) => {
    expect(schema.safeParse(value).success).toBe(true);
  });
  it.each(bad.map((value) => [value]))('refuses %j', (value) => {
    expect(schema.safeParse(value).success).toBe(false);
  });
});
