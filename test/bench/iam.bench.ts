/**
 * The measurement's speed: the production kernel against the plain loop over the definition (iam_vs_loop), their largest
 * difference (max_abs_diff) and the memory of a stream of ten million samples (rss_10m_mb).
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DEFAULT_PARAMETERS,
  freezeScale,
  scoreFrozen,
  SignalMoments,
  transformSignal,
  type FrozenScale,
} from '@app/iam';
import { build } from 'vite';
import { plainLoopScores } from '../support/iam-plain-loop.js';
import { atLeast, atMost, type BenchResult } from './bench-result.js';

const SAMPLES = 1_000_000;
const STREAMED = 10_000_000;
/** Both sides are timed in turn and the fastest of each counts: another process's load cannot favour one. */
const ROUNDS = 3;
const PARAMETERS = DEFAULT_PARAMETERS.probability;

export async function run(): Promise<{ bench: 'iam'; results: BenchResult[] }> {
  const { ratio, largestDifference } = compareWithLoop();
  const rssMb = await streamedRss();
  return {
    bench: 'iam',
    results: [
      atLeast('iam_vs_loop', ratio, 10, 'x'),
      atMost('max_abs_diff', largestDifference, 5e-7, 'score'),
      atMost('rss_10m_mb', rssMb, 400, 'MB'),
    ],
  };
}

function compareWithLoop(): { ratio: number; largestDifference: number } {
  const { target, out, in_, scale } = release(SAMPLES);
  let [loopMs, ourMs] = [Infinity, Infinity];
  let [plain, ours] = [target, target];
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now();
    plain = plainLoopScores(target, out, in_, scale.sigma);
    const between = performance.now();
    ours = scoreFrozen({ target, out, shadows: 1, in_, scale, parameters: PARAMETERS });
    loopMs = Math.min(loopMs, between - started);
    ourMs = Math.min(ourMs, performance.now() - between);
  }
  const largestDifference = plain.reduce(
    (largest, score, i) => Math.max(largest, Math.abs(score - ours[i]!)),
    0,
  );
  return { ratio: loopMs / ourMs, largestDifference };
}

/** Targets anywhere, OUT uniform in probability, IN confident. */
function release(samples: number): Record<'target' | 'out' | 'in_', Float64Array> & { scale: FrozenScale } {
  let state = 1;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  const series = (raw: () => number) =>
    Float64Array.from({ length: samples }, () => transformSignal(raw(), PARAMETERS));
  const [target, out, in_] = [series(uniform), series(uniform), series(() => 1 - 0.1 * uniform())] as const;
  const moments = new SignalMoments();
  for (let i = 0; i < 10_000; i++) moments.add([out[i]!], in_[i]!);
  return { target, out, in_, scale: freezeScale(moments, PARAMETERS) };
}

/** Peak resident memory of a process that does nothing but stream. */
async function streamedRss(): Promise<number> {
  const outDir = mkdtempSync(join(tmpdir(), 'lacuna-bench-'));
  try {
    const entry = join(process.cwd(), 'test/bench/iam-stream.ts');
    await build({
      configFile: false,
      logLevel: 'silent',
      resolve: { tsconfigPaths: true },
      build: {
        ssr: entry,
        outDir,
        minify: false,
        rollupOptions: { output: { entryFileNames: 'stream.mjs' } },
      },
    });
    const answer = execFileSync(process.execPath, [join(outDir, 'stream.mjs'), String(STREAMED)]);
    return (JSON.parse(answer.toString()) as { maxRssMb: number }).maxRssMb;
  } finally {
    rmSync(outDir, { recursive: true, force: true });
  }
}
