/**
 * Token losses from vLLM itself, on its CPU build, over a tiny model with random weights made on the spot: both forms, text
 * and token ids, against the same weights run by transformers in float64. test/interop/README.md says how to install it;
 * without it the file is skipped.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRuntime, type ModelRuntime, positionsOf, type SampleBatch } from '@app/inference';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failure } from '../support/runtime-conformance.js';
import { runtimeOptions } from '../support/runtime-options.js';
import { environmentOf, freePort, InferenceServer, python, SERVERS } from './servers/inference-server.js';

/** float32 arithmetic over two layers, in nats. */
const TOLERANCE = 1e-4;
const CONTEXT = 128;
const MAKER = join(SERVERS, 'language_model.py');

const TEXTS = [
  'A person asks a company to delete their data.',
  'ab',
  'Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich. 数据',
  ...Array.from({ length: 70 }, (_, place) => `text ${place} of many, ${'x'.repeat(place)}`),
];

const environment = environmentOf('vllm');

describe.skipIf(environment === null)('vLLM', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lacuna-vllm-'));
  let server: InferenceServer;
  let expected: number[];
  const sequences = [...TEXTS.keys()].map((place) =>
    Int32Array.from({ length: 2 + (place % 60) }, (_, at) => (place * 31 + at * 17) % 257),
  );
  let expectedOfTokens: number[];

  beforeAll(async () => {
    const prompts = [...TEXTS, ...sequences.map((ids) => [...ids])];
    const losses = JSON.parse(python(environment!, [MAKER, folder], JSON.stringify(prompts))) as number[];
    [expected, expectedOfTokens] = [losses.slice(0, TEXTS.length), losses.slice(TEXTS.length)];
    const port = await freePort();
    const args = [
      '-m',
      'vllm.entrypoints.openai.api_server',
      '--model',
      folder,
      '--served-model-name',
      'tiny',
    ];
    args.push(
      '--dtype',
      'float32',
      '--max-model-len',
      String(CONTEXT),
      '--enforce-eager',
      '--enable-prefix-caching',
    );
    args.push('--host', '127.0.0.1', '--port', String(port), '--api-key', 'a-token-for-this-test');
    server = await InferenceServer.start(join(environment!, 'bin', 'python'), args, {
      port,
      ready: '/health',
      env: {
        HF_HUB_OFFLINE: '1',
        VLLM_NO_USAGE_STATS: '1',
        VLLM_CPU_KVCACHE_SPACE: '1',
        VLLM_CPU_OMP_THREADS_BIND: 'nobind',
      },
    });
  }, 600_000);
  afterAll(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true });
  });

  const open = (form: 'prompt-logprobs' | 'echo', token = 'a-token-for-this-test', timeoutMs = 240_000) =>
    openRuntime(
      { declaration: { kind: 'openai-completions', url: server.url, model: 'tiny', form }, directory: null },
      runtimeOptions({
        timeoutMs,
        endpoints: { hosts: ['127.0.0.1'], tokens: new Map([['127.0.0.1', token]]) },
      }),
    );

  describe.each(['prompt-logprobs', 'echo'] as const)('%s', (form) => {
    let runtime: ModelRuntime;
    beforeAll(async () => {
      runtime = await open(form);
    });
    afterAll(() => runtime.dispose());

    it.each([
      ['text', (): SampleBatch => ({ form: 'text', texts: TEXTS }), () => expected],
      ['tokens', (): SampleBatch => ({ form: 'tokens', sequences }), () => expectedOfTokens],
    ])(
      'losses of %s, as transformers has them in float64; the same again the second time',
      async (_, batch, wanted) => {
        const losses = await runtime.signals(batch(), 'loss');
        const differences = wanted().map((value, place) => Math.abs(value - losses[place]!));
        expect(losses).toHaveLength(TEXTS.length);
        expect(Math.max(...differences)).toBeLessThan(TOLERANCE);
        expect(new Set(wanted().map((value) => value.toFixed(2))).size).toBeGreaterThan(30);
        const again = await runtime.signals(batch(), 'loss');
        again.forEach((value, place) => expect(Math.abs(value - losses[place]!)).toBeLessThan(1e-5));
      },
    );

    it('names texts that are too long or one token, and tokens that do not exist', async () => {
      const long = 'y'.repeat(CONTEXT + 1);
      const refused = await failure(runtime.signals({ form: 'text', texts: ['ab', long, 'cd'] }, 'loss'));
      expect([refused.code, positionsOf(refused)]).toEqual(['RUNTIME_ENDPOINT_REFUSED', [1]]);
      const short = await failure(runtime.signals({ form: 'text', texts: ['a', 'cd'] }, 'loss'));
      expect([short.code, positionsOf(short)]).toEqual(['RUNTIME_OUTPUT_NOT_FINITE', [0]]);
      const foreign = [Int32Array.of(1, 2), Int32Array.of(3, 999)];
      const unknown = await failure(runtime.signals({ form: 'tokens', sequences: foreign }, 'loss'));
      expect([unknown.code, positionsOf(unknown)]).toEqual(['RUNTIME_ENDPOINT_REFUSED', [1]]);
    });
  });

  it('says that it is vLLM, and refuses who has no token', async () => {
    const runtime = await open('echo');
    expect(runtime.backend).toBe('openai-completions endpoint (echo; vllm)');
    await runtime.dispose();
    const error = await failure(open('echo', 'another-token'));
    expect([error.code, error.details['status']]).toEqual(['RUNTIME_ENDPOINT_REFUSED', 401]);
    expect(`${error.stack}`).not.toContain('another-token');
  });
});
