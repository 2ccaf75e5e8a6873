import { describe, expect, it } from 'vitest';
import { InFlight } from './in-flight.js';

const gate = () => {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open, opened };
};

describe('work in flight', () => {
  it('is at most as much as the limit', async () => {
    const inFlight = new InFlight(2);
    const gates = [gate(), gate(), gate()];
    const started: number[] = [];
    const work = (i: number) => () => {
      started.push(i);
      return gates[i]!.opened;
    };
    await inFlight.add(work(0));
    await inFlight.add(work(1));
    const third = inFlight.add(work(2));
    await Promise.resolve();
    expect(started).toEqual([0, 1]);
    gates[1]!.open();
    await third;
    expect(started).toEqual([0, 1, 2]);
    gates.forEach(({ open }) => open());
    await inFlight.settle();
  });

  it('stops at the first failure, which is not lost while nobody waits', async () => {
    const inFlight = new InFlight(2);
    const error = new Error('first');
    await inFlight.add(() => Promise.reject(error));
    await new Promise((resolve) => setImmediate(resolve));
    await expect(inFlight.add(() => Promise.resolve())).rejects.toBe(error);
    await expect(inFlight.settle()).rejects.toBe(error);
  });
});
