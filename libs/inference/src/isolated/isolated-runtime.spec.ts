import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { greedyOnnxFile, hangingOnnxFile } from '../../../../test/support/models/faulty-onnx.js';
import { writeModel } from '../../../../test/support/models/model-files.js';
import { batchOf, CONFORMANCE_MLP, failure } from '../../../../test/support/runtime-conformance.js';
import { runtimeOptions } from '../../../../test/support/runtime-options.js';
import { until } from '../../../../test/support/until.js';
import type { LocalSource } from '../local/load-local-runtime.js';
import type { RuntimeOptions, SampleBatch } from '../runtime.js';
import { IsolatedRuntime } from './isolated-runtime.js';

const NEVER_ENDS = 1e15;
let directory: string;

beforeAll(() => {
  directory = writeModel({ 'hangs.onnx': hangingOnnxFile(), 'greedy.onnx': greedyOnnxFile() });
});
afterAll(() => rmSync(directory, { recursive: true }));

function sourceOf(entry: string): LocalSource {
  return { declaration: { kind: 'onnx', entry, output: null, outputForm: 'logits' }, directory };
}

const open = (entry: string, options: Partial<RuntimeOptions> = {}): Promise<IsolatedRuntime> =>
  IsolatedRuntime.open(sourceOf(entry), runtimeOptions(options));

/** One sample whose logits are five times `number`: any label has probability 1/5. */
function sample(number: number): SampleBatch {
  return batchOf(CONFORMANCE_MLP, new Float32Array(6).fill(number), [0]);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('a model in a process of its own', () => {
  it('that hangs on one batch: this one fails in time, the others are answered by a new process', async () => {
    const runtime = await open('hangs.onnx', { timeoutMs: 1_000 });
    const first = runtime.pid!;
    const asked = [0, 1, NEVER_ENDS, 2, 3, 1, 2].map((number) =>
      runtime.signals(sample(number), 'probability'),
    );
    const outcomes = await Promise.allSettled(asked);
    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      ...Array<string>(4).fill('fulfilled'),
    ]);
    const error = await failure(asked[2]!);
    expect(error).toMatchObject({ code: 'RUNTIME_TIMEOUT', retryable: true, details: { timeoutMs: 1_000 } });
    expect((await asked[6]!)[0]).toBeCloseTo(0.2, 12);
    expect(runtime.pid).not.toBe(first);
    await until(() => !isAlive(first));
    await runtime.dispose();
  });

  it('that eats memory is stopped above its limit, and the next batch is answered', async () => {
    const runtime = await open('greedy.onnx', { memoryMb: 700 });
    expect(await runtime.signals(sample(0), 'probability')).toHaveLength(1);
    const error = await failure(runtime.signals(sample(6), 'probability'));
    expect(error).toMatchObject({ code: 'RUNTIME_OUT_OF_MEMORY', retryable: false });
    expect(error.details['limitMb']).toBe(700);
    expect(error.details['usedMb']).toBeGreaterThan(700);
    expect(error.details['usedMb']).toBeLessThan(4_000);
    expect((await runtime.signals(sample(0), 'probability'))[0]).toBeCloseTo(0.2, 12);
    await runtime.dispose();
  });

  it('that is killed from outside: a coded error, then a new process', async () => {
    const runtime = await open('hangs.onnx');
    const hanging = runtime.signals(sample(NEVER_ENDS), 'probability');
    process.kill(runtime.pid!, 'SIGKILL');
    const error = await failure(hanging);
    expect(error).toMatchObject({
      code: 'RUNTIME_PROCESS_DIED',
      retryable: true,
      details: { exit: 'SIGKILL' },
    });
    expect(await runtime.signals(sample(1), 'loss')).toHaveLength(1);
    await runtime.dispose();
  });

  it('that is killed between batches: the next one is answered', async () => {
    const runtime = await open('hangs.onnx');
    const { pid } = runtime;
    process.kill(pid!, 'SIGKILL');
    await until(() => runtime.pid === null);
    expect(await runtime.signals(sample(1), 'loss')).toHaveLength(1);
    expect(runtime.pid).not.toBe(pid);
    await runtime.dispose();
  });

  it('is gone after dispose, and what was under way is refused', async () => {
    const runtime = await open('hangs.onnx');
    const pid = runtime.pid!;
    const hanging = failure(runtime.signals(sample(NEVER_ENDS), 'probability'));
    await runtime.dispose();
    expect((await hanging).code).toBe('RUNTIME_DISPOSED');
    expect(isAlive(pid)).toBe(false);
  });

  it('whose file vanishes between processes fails the batch for now, not the host', async () => {
    const own = writeModel({ 'hangs.onnx': hangingOnnxFile() });
    const source = { ...sourceOf('hangs.onnx'), directory: own };
    const runtime = await IsolatedRuntime.open(source, runtimeOptions());
    rmSync(own, { recursive: true });
    expect(await runtime.signals(sample(1), 'loss')).toHaveLength(1);
    process.kill(runtime.pid!, 'SIGKILL');
    await until(() => runtime.pid === null);
    const error = await failure(runtime.signals(sample(1), 'loss'));
    expect(error).toMatchObject({ code: 'RUNTIME_UNAVAILABLE', retryable: true });
    await runtime.dispose();
  });

  it('does not outlive a host that is killed while the model hangs', async () => {
    const load = { type: 'load', source: sourceOf('hangs.onnx'), options: runtimeOptions() };
    const data = Array<number>(6).fill(NEVER_ENDS);
    const batch = {
      form: 'tensors',
      count: 1,
      tensors: [{ name: 'input', dtype: 'float32', shape: [6], data }],
      labels: [0],
    };
    const hang = { type: 'signals', id: 0, signalKind: 'loss', batch };
    const script = join(import.meta.dirname, '../../../../test/support/inference-host.mjs');
    const host = spawn(process.execPath, [
      script,
      inject('inferenceChild'),
      JSON.stringify(load),
      JSON.stringify(hang),
    ]);
    const [printed] = (await once(host.stdout, 'data')) as [Buffer];
    const pid = Number(String(printed));
    expect(isAlive(pid)).toBe(true);
    host.kill('SIGKILL');
    await until(() => !isAlive(pid));
  });
});
