import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Turns } from './turns.js';

const PATIENCE_MS = 10_000;

afterEach(() => vi.useRealTimers());

describe('turns', () => {
  it('are one at a time on each thing and in the order of asking, whatever is asked for', async () => {
    const asked = fc.array(fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { minLength: 1 }), {
      maxLength: 8,
    });
    const property = fc.asyncProperty(asked, fc.scheduler(), async (asks, scheduler) => {
      const turns = new Turns(PATIENCE_MS);
      const held = new Map<string, number>();
      const order: number[] = [];
      const all = asks.map((names, n) =>
        turns.run(names, async () => {
          for (const name of names) {
            expect(held.has(name)).toBe(false);
            held.set(name, n);
          }
          order.push(n);
          await scheduler.schedule(Promise.resolve());
          for (const name of names) held.delete(name);
        }),
      );
      await scheduler.waitFor(Promise.all(all));
      for (const name of ['a', 'b', 'c'] as const) {
        const begun = order.filter((n) => asks[n]!.includes(name));
        expect(begun).toEqual([...begun].sort((a, b) => a - b));
      }
      expect(order).toHaveLength(asks.length);
    });
    await fc.assert(property);
  });

  it('overlap on different things', async () => {
    const turns = new Turns(PATIENCE_MS);
    const begun: string[] = [];
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const first = turns.run(['a'], () => gate);
    await turns.run(['b'], () => Promise.resolve(begun.push('b')));
    expect(begun).toEqual(['b']);
    open();
    await first;
  });

  it('pass on when one fails, and give back what came of it', async () => {
    const turns = new Turns(PATIENCE_MS);
    const failed = turns.run(['a'], () => Promise.reject(new Error('broken')));
    const next = turns.run(['a'], () => Promise.resolve(7));
    await expect(failed).rejects.toThrow('broken');
    await expect(next).resolves.toBe(7);
  });

  it('are taken all the same after some time, in order', async () => {
    vi.useFakeTimers();
    const turns = new Turns(PATIENCE_MS);
    const begun: string[] = [];
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const slow = turns.run(['a'], () => gate);
    const second = turns.run(['a'], () => Promise.resolve(begun.push('second')));
    const third = turns.run(['a'], () => Promise.resolve(begun.push('third')));
    await vi.advanceTimersByTimeAsync(PATIENCE_MS - 1);
    expect(begun).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    await Promise.all([second, third]);
    expect(begun).toEqual(['second', 'third']);
    open();
    await slow;
  });
});
