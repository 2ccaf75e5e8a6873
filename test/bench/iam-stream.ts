/**
 * Scores N synthetic samples as a stream of blocks, raw values in, millionths out: one pass for the moments, one for the
 * scores, nothing kept but a histogram. Run as a program of its own by iam.bench.ts: prints its peak memory as JSON.
 */
import {
  DEFAULT_PARAMETERS,
  freezeScale,
  scoreFrozen,
  SignalMoments,
  toMillionths,
  transformSignal,
} from '@app/iam';

const BLOCK = 4096;
const PARAMETERS = DEFAULT_PARAMETERS.probability;

interface Block {
  readonly target: Float64Array;
  readonly out: Float64Array;
  readonly in_: Float64Array;
}

/** The signals of one block; the same every time it is asked for, as if read again from storage. */
function readBlock(index: number, count: number): Block {
  let state = Math.imul(index + 1, 2654435761) >>> 0;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  const series = (raw: () => number) =>
    Float64Array.from({ length: count }, () => transformSignal(raw(), PARAMETERS));
  return { target: series(uniform), out: series(uniform), in_: series(() => 1 - 0.1 * uniform()) };
}

function stream(samples: number): { maxRssMb: number; histogram: number[]; seconds: number } {
  const started = performance.now();
  const blocks = Array.from({ length: Math.ceil(samples / BLOCK) }, (_, i) =>
    Math.min(BLOCK, samples - i * BLOCK),
  );
  const moments = new SignalMoments();
  blocks.forEach((count, index) => {
    const { out, in_ } = readBlock(index, count);
    for (let i = 0; i < count; i++) moments.add(out.subarray(i, i + 1), in_[i]!);
  });
  const scale = freezeScale(moments, PARAMETERS);
  const histogram = Array<number>(10).fill(0);
  blocks.forEach((count, index) => {
    const scores = scoreFrozen({ ...readBlock(index, count), shadows: 1, scale, parameters: PARAMETERS });
    for (const score of scores) histogram[Math.min(9, Math.floor(toMillionths(score) / 100_000))]! += 1;
  });
  const seconds = (performance.now() - started) / 1000;
  return { maxRssMb: process.resourceUsage().maxRSS / 1024, histogram, seconds };
}

process.stdout.write(JSON.stringify(stream(Number(process.argv[2]))));
