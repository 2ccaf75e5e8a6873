import { describe, expect, it } from 'vitest';
import { CopiedRows } from './copied-rows.js';
import { CopySieve } from './copy-sieve.js';

const message = (type: string, payload: Buffer): Buffer => {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeUInt32BE(4 + payload.length, 1);
  return Buffer.concat([head, payload]);
};
const int4 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const row = (...values: (string | null)[]) =>
  Buffer.concat([
    int4(values.length).subarray(2),
    ...values.flatMap((value) => (value === null ? [int4(-1)] : [int4(value.length), Buffer.from(value)])),
  ]);

const HEADER = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);
const END = int4(-1).subarray(2);
const OPENED = Buffer.concat([message('1', Buffer.alloc(0)), message('H', Buffer.from('opened'))]);
const CLOSED = Buffer.concat([
  message('c', Buffer.alloc(0)),
  message('C', Buffer.from('COPY 2\0')),
  message('Z', Buffer.from('I')),
]);
const NOTICE = message('N', Buffer.from('a notice'));
const ROWS = [message('d', Buffer.concat([HEADER, row('one', null)])), message('d', row('', 'two'))];

/** All of `bytes` in pieces of `size`: what is left for the client, and the rows. */
function sifted(bytes: Buffer, size: number) {
  const rows = new CopiedRows();
  const sieve = new CopySieve(rows);
  const others: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size)
    others.push(...sieve.sift(Buffer.from(bytes.subarray(at, at + size))).map((other) => Buffer.from(other)));
  return { rows, others: Buffer.concat(others) };
}

describe('CopySieve', () => {
  it('parts rows from everything else, in pieces of every size', () => {
    const sent = Buffer.concat([OPENED, ROWS[0]!, NOTICE, ROWS[1]!, message('d', END), CLOSED]);
    for (let size = 1; size <= sent.length; size += 1) {
      const { rows, others } = sifted(sent, size);
      rows.index();
      expect(rows.values(), String(size)).toEqual([
        [Buffer.from('one'), null],
        [Buffer.alloc(0), Buffer.from('two')],
      ]);
      expect(others, String(size)).toEqual(Buffer.concat([OPENED, NOTICE, CLOSED]));
    }
  });

  it('holds nothing back of what follows the end, or an error', () => {
    for (const end of [message('c', Buffer.alloc(0)), message('E', Buffer.from('refused'))])
      expect(sifted(Buffer.concat([OPENED, ...ROWS, end, Buffer.from('Z')]), 1).others).toEqual(
        Buffer.concat([OPENED, end, Buffer.from('Z')]),
      );
  });

  it('has no rows where none were copied, and refuses a copy without its end', () => {
    const empty = sifted(message('d', Buffer.concat([HEADER, END])), 7).rows;
    empty.index();
    expect(empty.values()).toEqual([]);
    const { rows } = sifted(ROWS[0]!, 7);
    expect(() => rows.index()).toThrow('a copy has an end');
  });

  it('gives the memory of one copy to the next', () => {
    const rows = new CopiedRows();
    for (const value of ['first', 'x'.repeat(200_000), 'last']) {
      rows.clear();
      rows.append(Buffer.concat([HEADER, row(value), row(value), END]), false);
      rows.index();
      expect(rows.values()).toEqual([[Buffer.from(value)], [Buffer.from(value)]]);
    }
  });
});
