import { describe, expect, it } from 'vitest';
import { InferenceError } from '../errors.js';
import { type Part, RefusalIsolation } from './isolate-refused.js';

const refused = (status: number) =>
  new InferenceError('RUNTIME_ENDPOINT_REFUSED', 'refused', { details: { status } });

/** A server that refuses parts by what they hold; keeps what it took. */
function server(refuses: (part: Part) => number | null) {
  const taken: number[] = [];
  const asked: Part[] = [];
  const send = (part: Part): Promise<void> => {
    asked.push(part);
    const status = refuses(part);
    if (status !== null) return Promise.reject(refused(status));
    for (let at = part.from; at < part.to; at++) taken.push(at);
    return Promise.resolve();
  };
  return { taken, asked, send };
}

const holds = (bad: readonly number[]) => (part: Part) =>
  bad.some((at) => at >= part.from && at < part.to) ? 400 : null;
const outcome = (sent: Promise<void>) =>
  sent.then(
    () => 'sent',
    ({ code, details }: InferenceError) => ({ code, ...details }),
  );
const PARTS = [
  { from: 0, to: 16 },
  { from: 16, to: 20 },
];

describe('RefusalIsolation', () => {
  it('blames the samples that are refused alone, and sends all others once', async () => {
    for (const bad of [[0], [7], [19], [3, 4], [0, 15, 16, 19], [1, 2, 3, 5, 8, 13]]) {
      const { taken, send } = server(holds(bad));
      expect(await outcome(new RefusalIsolation().send(PARTS, send))).toEqual({
        code: 'RUNTIME_ENDPOINT_REFUSED',
        positions: bad.join(','),
      });
      expect(taken).toEqual(Array.from({ length: 20 }, (_, at) => at).filter((at) => !bad.includes(at)));
    }
  });

  it('a limit on the size of requests blames nobody', async () => {
    const { taken, send } = server(({ from, to }) => (to - from > 3 ? 413 : null));
    expect(await outcome(new RefusalIsolation().send(PARTS, send))).toBe('sent');
    expect(taken).toHaveLength(20);
  });

  it('a server that refuses everything is not flooded, and no sample is blamed', async () => {
    const { asked, send } = server(() => 400);
    const whole = [{ from: 0, to: 4096 }];
    expect(await outcome(new RefusalIsolation().send(whole, send))).toEqual({
      code: 'RUNTIME_ENDPOINT_REFUSED',
      status: 400,
    });
    expect(asked.length).toBeLessThan(40);
  });

  it('a single sample is blamed only by a server that took one before', async () => {
    const isolation = new RefusalIsolation();
    const { send } = server(holds([0]));
    const one = [{ from: 0, to: 1 }];
    expect(await outcome(isolation.send(one, send))).toEqual({
      code: 'RUNTIME_ENDPOINT_REFUSED',
      status: 400,
    });
    expect(await outcome(isolation.send([{ from: 1, to: 2 }], send))).toBe('sent');
    expect(await outcome(isolation.send(one, send))).toEqual({
      code: 'RUNTIME_ENDPOINT_REFUSED',
      positions: '0',
    });
  });

  it.each([401, 403, 404])('%d has nothing to do with the samples', async (status) => {
    const { asked, send } = server(() => status);
    expect(await outcome(new RefusalIsolation().send(PARTS, send))).toMatchObject({ status });
    expect(asked).toHaveLength(1);
  });
});
