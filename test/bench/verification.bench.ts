/**
 * The speed of verifying live models, end to end: queue, vault, decryption, inference, scores, writing, verdicts and the
 * result tree, by a worker process over an embedded PostgreSQL with fsync on; beside a bare onnxruntime loop over the same
 * model and batches in memory, with as many threads, in the same run.
 *   BENCH_PARTS=mlp,cnn,rescore BENCH_SIZE=1000000 npm run bench -- verification
 */
import { availableParallelism } from 'node:os';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import Table from 'cli-table3';
import { SeededRandom } from '../../libs/iam/src/random.js';
import type { FaultProcess } from '../support/fault-process.js';
import { type Classifier, convolutionalClassifier, denseClassifier } from '../support/models/classifier.js';
import { benchCnn, benchMlp } from '../support/models/bench-classifiers.js';
import { onnxFile } from '../support/models/write-onnx.js';
import {
  concluded,
  freezeWhenReady,
  type LoadModel,
  loadModel,
  type LoadServer,
  openLoadServer,
  sampleAt,
  type SampleShape,
} from '../support/verification-load.js';
import { atLeast, atMost, type BenchResult } from './bench-result.js';

const PARTS = (process.env['BENCH_PARTS'] ?? 'mlp,cnn,rescore').split(',');
/** Commitments of the largest run; smaller ones of a tenth and a hundredth show that the cost is linear. */
const SIZE = Number(process.env['BENCH_SIZE'] ?? 1_000_000);
/** Half a minute of inference at least: what a verification costs once, a second or two, is not what is asked. */
const CNN_SIZE = Math.min(SIZE, 100_000);
const THREADS = 1;
/** Cores that a worker needs for itself: main thread, model, and its share of PostgreSQL. */
const CORES_A_WORKER = 3;
const WORKER = { LACUNA_INFERENCE_THREADS: String(THREADS) };

const WORDS: SampleShape = { shape: [600], classes: 100, density: 12 };
const IMAGES: SampleShape = { shape: [32, 32, 3], classes: 10, density: 256 };
const MLP_BATCH = 1024;
const CNN_BATCH = 256;

const rows: (readonly [string, number, number, number])[] = [];

export async function run(): Promise<{ bench: 'verification'; results: BenchResult[] }> {
  const server = await openLoadServer();
  try {
    const results: BenchResult[] = [];
    if (PARTS.includes('cnn')) results.push(await cnn(server));
    if (PARTS.includes('mlp') || PARTS.includes('rescore')) results.push(...(await mlp(server)));
    printTable();
    return { bench: 'verification', results };
  } finally {
    await server.close();
  }
}

/** Samples a second of the model alone: `size` samples in batches that are in memory already. */
async function bareLoop(classifier: Classifier, samples: SampleShape, batch: number, size: number) {
  const session = await InferenceSession.create(onnxFile(classifier), {
    intraOpNumThreads: THREADS,
    interOpNumThreads: 1,
  });
  const row = samples.shape.reduce((product, length) => product * length, 1);
  const tensors = Array.from({ length: 8 }, (_, at) => {
    const data = new Float32Array(batch * row);
    for (let i = 0; i < batch; i += 1) data.set(sampleAt(samples, at * batch + i).data, i * row);
    return new Tensor('float32', data, [batch, ...samples.shape]);
  });
  await session.run({ input: tensors[0]! });
  const started = performance.now();
  const runs = Math.ceil(size / batch);
  for (let at = 0; at < runs; at += 1) await session.run({ input: tensors[at % tensors.length]! });
  const seconds = (performance.now() - started) / 1000;
  await session.release();
  return (runs * batch) / seconds;
}

/** Of one loop before and one after what is measured: the machine is faster in one minute than in another. */
const meanRate = (before: number, after: number): number => 2 / (1 / before + 1 / after);

interface Verified {
  /** From the registration of the release to its concluded verification. */
  readonly seconds: number;
  /** Samples that went through its model: commitments, calibration set and controls. */
  readonly passes: number;
}

async function verify({ bench }: LoadServer, model: LoadModel, classifier: Classifier): Promise<Verified> {
  const started = performance.now();
  const releaseId = await model.release(classifier);
  const { progress } = await concluded(bench, releaseId);
  if (progress.errorCode !== null) throw new Error(progress.errorCode);
  return { seconds: (performance.now() - started) / 1000, passes: Number(progress.targetPasses) };
}

/** Other weights of the same shape: another artifact of the same cost. */
function reseeded(classifier: Classifier, seed: number): Classifier {
  const random = new SeededRandom(seed);
  const layers = classifier.layers.map((layer) => ({
    ...layer,
    bias: layer.bias.map((value) => value + 1e-4 * random.nextUnit()),
  }));
  return { ...classifier, layers };
}

async function cnn(server: LoadServer): Promise<BenchResult> {
  const small = (seed: number) =>
    convolutionalClassifier(seed, {
      height: 32,
      width: 32,
      channels: 3,
      convolutions: [
        { outputs: 1, pool: true },
        { outputs: 1, pool: true },
      ],
      dense: [10],
    });
  const model = await loadModel(server, 'cnn', IMAGES, CNN_SIZE, small);
  const worker = await started(server, 'cnn-worker');
  await freezeWhenReady(server.bench, model.modelId);
  await verify(server, model, small(3));
  const bareBefore = await bareLoop(benchCnn(), IMAGES, CNN_BATCH, CNN_SIZE);
  const { seconds, passes } = await verify(server, model, benchCnn());
  const bare = meanRate(bareBefore, await bareLoop(benchCnn(), IMAGES, CNN_BATCH, CNN_SIZE));
  rows.push(['CNN 32x32x3', CNN_SIZE, seconds, bare]);
  await worker.stop();
  return atLeast('cnn_vs_raw', passes / seconds / bare, 0.95, 'x');
}

async function started(server: LoadServer, name: string): Promise<FaultProcess> {
  const worker = server.worker(name, WORKER);
  worker.start();
  await worker.ready();
  return worker;
}

async function mlp(server: LoadServer): Promise<BenchResult[]> {
  const results: BenchResult[] = [];
  const small = (seed: number) => denseClassifier(seed, [600, 100]);
  const worker = await started(server, 'mlp-worker');
  for (const size of [SIZE / 100, SIZE / 10, SIZE].map(Math.ceil)) {
    const model = await loadModel(server, `mlp-${size}`, WORDS, size, small);
    await freezeWhenReady(server.bench, model.modelId);
    await verify(server, model, small(3));
    const bareBefore = await bareLoop(benchMlp(), WORDS, MLP_BATCH, size);
    const memory = watchMemory(worker);
    const { seconds, passes } = await verify(server, model, benchMlp());
    const growth = memory.stop();
    const bare = meanRate(bareBefore, await bareLoop(benchMlp(), WORDS, MLP_BATCH, size));
    rows.push(['MLP 600-512-256-128-100', size, seconds, bare]);
    if (size !== SIZE) continue;
    if (PARTS.includes('mlp')) {
      results.push(atLeast('mlp_vs_raw', passes / seconds / bare, 0.6, 'x'));
      results.push(atMost('worker_memory_growth_mb', growth, 100, 'MB'));
      results.push(await scaling(server, model, size));
    }
    if (PARTS.includes('rescore')) results.push(await rescore(server, model, size));
  }
  return results;
}

/** One worker and two on releases of equal cost. */
async function scaling(server: LoadServer, model: LoadModel, size: number): Promise<BenchResult> {
  const { seconds: one } = await verify(server, model, reseeded(benchMlp(), 1));
  const second = await started(server, 'second-worker');
  const { seconds: two } = await verify(server, model, reseeded(benchMlp(), 2));
  await second.stop();
  rows.push(['MLP, two workers', size, two, NaN]);
  const enough = availableParallelism() >= 2 * CORES_A_WORKER;
  return {
    id: 'worker_scaling',
    value: one / two,
    unit: 'x',
    goal: enough
      ? '>= 1.7'
      : `reported (>= 1.7 with ${2 * CORES_A_WORKER} cores, here ${availableParallelism()})`,
    met: !enough || one / two >= 1.7,
  };
}

/** A new profile over cached signals: every commitment scored again, results, tree and attestation. */
async function rescore({ bench }: LoadServer, { modelId }: LoadModel, size: number): Promise<BenchResult> {
  const started = performance.now();
  const { releaseId } = (await bench.releases.currentRelease(modelId))!;
  const before = (await bench.verifications.list({ releaseId }, { first: 1 })).items[0]!;
  await bench.freeze(modelId, { levels: 100, alpha: 0.02 });
  const { verificationId, progress } = await concluded(bench, releaseId, before.verificationId);
  await bench.issuer.issue(verificationId);
  if (progress.forwardPasses !== 0n)
    throw new Error(`${progress.forwardPasses} samples went through a model`);
  const seconds = (performance.now() - started) / 1000;
  rows.push(['rescored from cached signals', size, seconds, NaN]);
  return atMost('rescore_1m_seconds', (seconds * 1_000_000) / size, 60, 's');
}

/** Growth of a process's memory between the first fifth and the rest of the time it is watched, in MB. */
function watchMemory(worker: FaultProcess): { stop(): number } {
  const seen: number[] = [];
  const timer = setInterval(() => seen.push(worker.residentMb()), 250);
  return {
    stop() {
      clearInterval(timer);
      const early = Math.max(1, Math.floor(seen.length / 5));
      return Math.max(0, Math.max(...seen.slice(early)) - Math.max(...seen.slice(0, early)));
    },
  };
}

function printTable(): void {
  const table = new Table({ head: ['', 'samples', 'seconds', 'µs a sample', 'bare loop, samples/s'] });
  for (const [what, size, seconds, bare] of rows)
    table.push([
      what,
      size,
      seconds.toFixed(2),
      ((seconds / size) * 1e6).toFixed(1),
      Number.isNaN(bare) ? '' : Math.round(bare),
    ]);
  process.stderr.write(`${table.toString()}\n`);
}
