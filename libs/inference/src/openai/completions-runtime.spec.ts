import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { completionsServer, idsOf, RecurrentModel } from '../../../../test/support/completions-server.js';
import { type EndpointServer, json } from '../../../../test/support/endpoint-server.js';
import { failure } from '../../../../test/support/runtime-conformance.js';
import { endpointAccess } from '../endpoint/endpoint-access.js';
import { positionsOf } from '../errors.js';
import type { ModelRuntime, SampleBatch } from '../runtime.js';
import { CompletionsRuntime } from './completions-runtime.js';

const MODEL = new RecurrentModel(5);
const TEXTS = ['Hello, world.', 'ab', 'A rather longer text, with "quotes" and a newline\n.', 'zzzzzzzz'];
const SEQUENCES = TEXTS.map((text) => Int32Array.from(idsOf(text)));
/** JSON carries every digit of a double; the sums run in another order. */
const DIGITS = 12;

let server: EndpointServer;
beforeAll(async () => {
  server = completionsServer(MODEL);
  await server.listen();
});
afterAll(() => server.close());

describe.each(['prompt-logprobs', 'echo'] as const)('openai-completions, %s', (form) => {
  let runtime: ModelRuntime;
  const open = (model = 'tiny', timeoutMs = 10_000) =>
    CompletionsRuntime.open(
      { kind: 'openai-completions', url: server.url, model, form },
      { timeoutMs, endpoints: endpointAccess([server.host], undefined) },
      { firstPauseMs: 1 },
    );
  const loss = (batch: SampleBatch) => runtime.signals(batch, 'loss');
  const sent = () =>
    server.received
      .filter(({ path }) => path === '/v1/completions')
      .map(({ body }) => JSON.parse(body.toString()) as Record<string, unknown> & { prompt: unknown[] });

  beforeAll(async () => {
    runtime = await open();
  });
  afterEach(() => {
    server.fault = null;
    server.received.length = 0;
  });
  afterAll(() => runtime.dispose());

  it.each([
    ['text', { form: 'text', texts: TEXTS }],
    ['tokens', { form: 'tokens', sequences: SEQUENCES }],
  ] as const)('average token loss of %s, as computed from the weights', async (_, batch) => {
    const losses = await loss(batch);
    expect(losses).toHaveLength(TEXTS.length);
    losses.forEach((value, place) => expect(value).toBeCloseTo(MODEL.loss(idsOf(TEXTS[place]!)), DIGITS));
  });

  it('asks for nothing random, nothing streamed and nothing cached', async () => {
    await loss({ form: 'text', texts: ['again', 'and again'] });
    await loss({ form: 'text', texts: ['again', 'and again'] });
    const [one, two] = sent();
    expect(one).toMatchObject({ model: 'tiny', temperature: 0 });
    expect(one!['stream']).toBeUndefined();
    if (form === 'prompt-logprobs') expect(one!['cache_salt']).not.toBe(two!['cache_salt']);
    else
      expect(Object.keys(one!).sort()).toEqual([
        'echo',
        'logprobs',
        'max_tokens',
        'model',
        'prompt',
        'temperature',
      ]);
  });

  it('splits long lists and keeps their order', async () => {
    const texts = Array.from({ length: 100 }, (_, place) => `text number ${place}`);
    const losses = await loss({ form: 'text', texts });
    texts.forEach((text, place) => expect(losses[place]).toBeCloseTo(MODEL.loss(idsOf(text)), DIGITS));
    expect(sent().map(({ prompt }) => prompt.length)).toEqual([32, 32, 32, 4]);
  });

  it('no texts, no requests', async () => {
    expect(await loss({ form: 'text', texts: [] })).toHaveLength(0);
    expect(sent()).toEqual([]);
  });

  it('one token alone has no loss and is named', async () => {
    const sequences = [Int32Array.of(1, 2), Int32Array.of(3), Int32Array.of(4, 5), new Int32Array(0)];
    const tokens = await failure(loss({ form: 'tokens', sequences }));
    expect([tokens.code, positionsOf(tokens)]).toEqual(['RUNTIME_INPUT_MISMATCH', [1, 3]]);
    const empty = await failure(loss({ form: 'text', texts: ['ab', ''] }));
    expect([empty.code, positionsOf(empty)]).toEqual(['RUNTIME_INPUT_MISMATCH', [1]]);
    const text = await failure(loss({ form: 'text', texts: ['ab', 'c', 'de'] }));
    expect([text.code, positionsOf(text)]).toEqual(['RUNTIME_OUTPUT_NOT_FINITE', [1]]);
  });

  it('samples that the server refuses are named, and their text stays out of the error', async () => {
    const secret = 'secret'.repeat(20);
    const texts = Array.from({ length: 40 }, (_, place) =>
      place === 5 || place === 37 ? secret : `text ${place}`,
    );
    const error = await failure(loss({ form: 'text', texts }));
    expect([error.code, error.retryable, positionsOf(error)]).toEqual([
      'RUNTIME_ENDPOINT_REFUSED',
      false,
      [5, 37],
    ]);
    expect(`${error.stack} ${JSON.stringify(error.details)}`).not.toContain('secret');
    const foreign = await failure(loss({ form: 'tokens', sequences: [...SEQUENCES, Int32Array.of(1, 999)] }));
    expect([foreign.code, positionsOf(foreign)]).toEqual(['RUNTIME_ENDPOINT_REFUSED', [SEQUENCES.length]]);
  });

  it('gives no probability, and takes no tensors', async () => {
    const probability = await failure(runtime.signals({ form: 'text', texts: TEXTS }, 'probability'));
    expect([probability.code, probability.retryable]).toEqual(['RUNTIME_SIGNAL_UNSUPPORTED', false]);
    const tensors = await failure(
      loss({ form: 'tensors', count: 0, tensors: [], labels: new Int32Array(0) }),
    );
    expect(tensors.code).toBe('RUNTIME_INPUT_MISMATCH');
  });

  it('says what it is and what computes', () => {
    expect(runtime.kind).toBe('openai-completions');
    expect(runtime.backend).toBe(`openai-completions endpoint (${form}; test)`);
    expect(runtime.describe().inputs.map(({ name }) => name)).toEqual(['prompt']);
  });

  it('a model that the server does not list', async () => {
    expect((await failure(open('another'))).code).toBe('RUNTIME_MODEL_BROKEN');
  });

  it('nothing is answered after dispose', async () => {
    const other = await open();
    await other.dispose();
    await other.dispose();
    expect((await failure(other.signals({ form: 'text', texts: TEXTS }, 'loss'))).code).toBe(
      'RUNTIME_DISPOSED',
    );
  });

  it('a server that does not answer in time', async () => {
    const hurried = await open('tiny', 100);
    server.fault = () => 'handled';
    const error = await failure(hurried.signals({ form: 'text', texts: TEXTS }, 'loss'));
    expect([error.code, error.retryable]).toEqual(['RUNTIME_TIMEOUT', true]);
    await hurried.dispose();
  });

  describe('answers that do not follow the protocol', () => {
    type Choice = {
      index: number;
      logprobs: { tokens: string[]; token_logprobs: (number | null)[] } | null;
      prompt_logprobs: (Record<string, { logprob: number }> | null)[] | null;
      prompt_token_ids: number[] | null;
    };
    /** Lets the server answer, and spoils the answer to text 1. */
    const spoiled = async (spoil: (choice: Choice, choices: Choice[]) => unknown) => {
      const answers = completionsServer(MODEL);
      await answers.listen();
      const prompt = ['ab', 'Hello'];
      const response = await fetch(`${answers.url}/v1/completions`, {
        method: 'POST',
        body: JSON.stringify({ ...FIELDS[form], model: 'tiny', prompt }),
      });
      await answers.close();
      const answer = (await response.json()) as { choices: Choice[] };
      spoil(answer.choices[1]!, answer.choices);
      server.fault = () => json(200, answer);
      return failure(loss({ form: 'text', texts: prompt }));
    };
    const FIELDS = {
      'prompt-logprobs': { prompt_logprobs: 1, return_token_ids: true },
      echo: { echo: true, logprobs: 1 },
    };

    it.each<[string, (choice: Choice, choices: Choice[]) => unknown]>([
      ['a choice is missing', (_, choices) => choices.pop()],
      ['a choice comes twice', (choice) => (choice.index = 0)],
      ['a choice too many', (choice, choices) => choices.push({ ...choice, index: 2 })],
      ['no log-probabilities', (choice) => ((choice.logprobs = null), (choice.prompt_logprobs = null))],
      [
        'fewer positions than tokens',
        (choice) => (choice.logprobs?.token_logprobs.pop(), choice.prompt_logprobs?.pop()),
      ],
      [
        'more tokens than the prompt: the server generated on',
        ({ logprobs, ...choice }) => {
          logprobs?.tokens.push('!');
          logprobs?.token_logprobs.push(-1);
          choice.prompt_logprobs?.push({ 1: { logprob: -1 } });
          choice.prompt_token_ids?.push(1);
        },
      ],
      [
        'text in place of a number',
        ({ logprobs, prompt_logprobs: positions }) => {
          if (logprobs) (logprobs.token_logprobs as unknown[])[2] = 'x';
          if (positions) (positions as unknown[])[2] = { 108: { logprob: 'x' } };
        },
      ],
    ])('%s', async (_, spoil) => {
      const error = await spoiled(spoil);
      expect([error.code, error.retryable, positionsOf(error)]).toEqual([
        'RUNTIME_RESPONSE_BROKEN',
        false,
        [],
      ]);
    });

    it('a log-probability that is not there or not finite names its text', async () => {
      for (const value of [null, -9999, 2]) {
        const error = await spoiled(({ logprobs, prompt_logprobs: positions }) => {
          if (logprobs) logprobs.token_logprobs[2] = value;
          Object.values(positions?.[2] ?? {}).forEach((entry) => (entry.logprob = value ?? -9999));
        });
        expect([error.code, positionsOf(error)]).toEqual(['RUNTIME_OUTPUT_NOT_FINITE', [1]]);
      }
    });

    it.each(['no json', '{"choices": [', '[]', '"text"', '{}', ''])('body %j', async (body) => {
      server.fault = () => ({ status: 200, body });
      const error = await failure(loss({ form: 'text', texts: TEXTS }));
      expect([error.code, error.retryable]).toEqual(['RUNTIME_RESPONSE_BROKEN', false]);
    });
  });
});

describe('openai-completions, prompt-logprobs without token ids', () => {
  const runtimeOf = () =>
    CompletionsRuntime.open(
      { kind: 'openai-completions', url: server.url, model: 'tiny', form: 'prompt-logprobs' },
      { timeoutMs: 10_000, endpoints: endpointAccess([server.host], undefined) },
    );
  const answerWith = (positions: (Record<string, { logprob: number }> | null)[]) => {
    server.fault = ({ path }) =>
      path === '/v1/models' ? null : json(200, { choices: [{ index: 0, prompt_logprobs: positions }] });
  };
  afterEach(() => {
    server.fault = null;
  });

  it('is fine where only one token stands at each position, and refused where it would be a guess', async () => {
    const runtime = await runtimeOf();
    const batch = { form: 'text', texts: ['abc'] } as const;
    answerWith([null, { 98: { logprob: -2 } }, { 99: { logprob: -4 } }]);
    expect([...(await runtime.signals(batch, 'loss'))]).toEqual([3]);
    answerWith([null, { 98: { logprob: -2 } }, { 99: { logprob: -4 }, 7: { logprob: -1 } }]);
    expect((await failure(runtime.signals(batch, 'loss'))).code).toBe('RUNTIME_RESPONSE_BROKEN');
    await runtime.dispose();
  });
});
