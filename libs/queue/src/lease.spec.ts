import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Lease } from './lease.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

const forever = () => new Promise<void>(() => undefined);

describe('a lease', () => {
  it('gives the work its own end', async () => {
    await expect(new Lease(100).during(() => Promise.resolve())).resolves.toBeUndefined();
    await expect(new Lease(100).during(() => Promise.reject(new Error('mine')))).rejects.toThrow('mine');
  });

  it('ends work that takes longer, unless it is extended', async () => {
    const lease = new Lease(100);
    const work = lease.during(forever);
    const ended = expect(work).rejects.toThrow('not done within its lease of 100 ms');
    await vi.advanceTimersByTimeAsync(90);
    lease.extend();
    await vi.advanceTimersByTimeAsync(90);
    expect(lease.isOver).toBe(false);
    await vi.advanceTimersByTimeAsync(20);
    await ended;
    expect(lease.isOver).toBe(true);
  });

  it('is kept three times while the work gets on, and no more once it does not', async () => {
    const lease = new Lease(90, 0.2);
    for (let kept = 0; kept < 5; kept += 1) {
      const next = lease.nextKeep();
      await vi.advanceTimersByTimeAsync(30);
      expect(await next).toBe(true);
    }
    lease.progress();
    for (const expected of [true, true, true, true, true, true, false]) {
      const next = lease.nextKeep();
      await vi.advanceTimersByTimeAsync(30);
      expect(await next).toBe(expected);
    }
  });

  it('is not kept for work that has ended, or that has to be done within it', async () => {
    const ended = new Lease(90, 10);
    const next = ended.nextKeep();
    ended.end();
    expect(await next).toBe(false);
    const short = new Lease(90);
    const keep = short.nextKeep();
    await vi.advanceTimersByTimeAsync(30);
    expect(await keep).toBe(false);
  });
});
