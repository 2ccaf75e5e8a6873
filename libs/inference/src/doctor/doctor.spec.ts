import { describe, expect, it } from 'vitest';
import { runtimeOptions } from '../../../../test/support/runtime-options.js';
import { BACKENDS, type BackendCheck } from '../backends.js';
import { checkBackends } from './check-backends.js';
import { chosenBackends } from './chosen-backends.js';
import { inspectMachine } from './machine.js';

const usable = (...names: readonly string[]): BackendCheck[] =>
  BACKENDS.map((backend) => ({ backend, usable: names.includes(backend), detail: '' }));

describe('doctor', () => {
  it('checks every backend apart: the CPU ones work everywhere, the others say why not', async () => {
    const checks = await checkBackends(runtimeOptions());
    expect(checks.map(({ backend }) => backend)).toEqual(BACKENDS);
    const works = checks.filter((check) => check.usable).map(({ backend }) => backend);
    expect(works).toEqual(expect.arrayContaining(['onnx-cpu', 'tfjs-wasm', 'tfjs-cpu']));
    for (const check of checks) expect(check.detail.length).toBeGreaterThan(0);
  });

  it('chooses the first allowed backend that works, and says which do not', () => {
    const chosen = chosenBackends(runtimeOptions(), usable('onnx-cpu', 'tfjs-wasm', 'tfjs-cpu'));
    expect(chosen.slice(0, 3)).toEqual([
      { artifact: 'onnx', backend: 'onnx-cpu', reason: 'not usable: onnx-cuda, onnx-webgpu' },
      {
        artifact: 'tfjs (LayersModel, GraphModel)',
        backend: 'tfjs-wasm',
        reason: 'not usable: tfjs-node-gpu, tfjs-node',
      },
      { artifact: 'tfjs (SavedModel)', backend: null, reason: 'not usable: tfjs-node-gpu, tfjs-node' },
    ]);
  });

  it('keeps to what is allowed, in the order in which it is', () => {
    const all = usable(...BACKENDS);
    expect(
      chosenBackends(runtimeOptions({ backends: ['tfjs-cpu', 'tfjs-wasm'] }), all).slice(0, 2),
    ).toMatchObject([
      { backend: null, reason: 'LACUNA_INFERENCE_BACKENDS allows none' },
      { backend: 'tfjs-cpu', reason: 'first choice' },
    ]);
  });

  it('endpoints are used where a host is allowed', () => {
    const reached = (hosts: string[]) =>
      chosenBackends(runtimeOptions({ endpoints: { hosts, tokens: new Map() } }), usable()).slice(3, 5);
    expect(reached([]).map(({ backend }) => backend)).toEqual([null, null]);
    expect(reached(['triton:8000'])).toMatchObject([
      { artifact: 'open-inference', backend: 'endpoint', reason: 'allowed hosts: triton:8000' },
      { artifact: 'openai-completions', backend: 'endpoint' },
    ]);
  });

  it('knows the machine', async () => {
    const machine = await inspectMachine();
    expect(machine.cores).toBeGreaterThan(0);
    expect(machine.memoryMb).toBeGreaterThan(256);
    expect(machine.node).toBe(process.version);
  });
});
