/**
 * The same bytes from one thread and from many, each with its own engine state and WebAssembly instance, and from an
 * engine that neither compiles nor has WebAssembly.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { momentsOfShare, scoresOfShare } from '../../../test/support/iam-thread.js';
import { SignalMoments, type SignalMomentsJson } from './moments.js';

const SAMPLES = 1000;
let directory: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lacuna-threads-'));
  await build({
    configFile: false,
    logLevel: 'silent',
    resolve: { tsconfigPaths: true },
    build: {
      ssr: join(import.meta.dirname, '../../../test/support/iam-thread.ts'),
      outDir: directory,
      rollupOptions: { output: { entryFileNames: 'thread.mjs' } },
    },
  });
});

afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** One answer for each thread; thread t takes samples t, t + threads, ... */
function inThreads<T>(threads: number, moments: string | null): Promise<T[]> {
  const answers = Array.from({ length: threads }, (_, from) => {
    const workerData = { moments, samples: SAMPLES, from, step: threads };
    const worker = new Worker(join(directory, 'thread.mjs'), { workerData });
    return new Promise<T>((resolve, reject) => worker.once('message', resolve).once('error', reject));
  });
  return Promise.all(answers);
}

describe('scoring elsewhere', () => {
  it.each([1, 2, 5])('%d threads: moments and scores to the last bit', async (threads) => {
    const whole = momentsOfShare(SAMPLES, 0, 1);
    const parts = await inThreads<string>(threads, null);
    const merged = parts
      .map((part) => SignalMoments.fromJSON(JSON.parse(part) as SignalMomentsJson))
      .reduce((sum, part) => part.merge(sum));
    expect(JSON.stringify(merged)).toBe(whole);

    const scores = scoresOfShare(whole, SAMPLES, 0, 1);
    const shares = await inThreads<Float64Array>(threads, whole);
    const woven = Float64Array.from(
      { length: SAMPLES },
      (_, i) => shares[i % threads]![Math.floor(i / threads)]!,
    );
    expect(Buffer.from(woven.buffer).equals(Buffer.from(scores.buffer))).toBe(true);
  });

  it('an interpreter without WebAssembly: moments and scores to the last bit', () => {
    const program = `
      const { momentsOfShare, scoresOfShare } = await import(${JSON.stringify(join(directory, 'thread.mjs'))});
      const moments = momentsOfShare(100, 0, 1);
      const scores = scoresOfShare(moments, 100, 0, 1);
      console.log(typeof WebAssembly, moments, Buffer.from(scores.buffer).toString('hex'));`;
    const answer = execFileSync(process.execPath, ['--jitless', '--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const moments = momentsOfShare(100, 0, 1);
    const scores = Buffer.from(scoresOfShare(moments, 100, 0, 1).buffer).toString('hex');
    expect(answer.toString().trim()).toBe(`undefined ${moments} ${scores}`);
  });
});
