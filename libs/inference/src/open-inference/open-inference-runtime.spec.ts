import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type Answer,
  type EndpointServer,
  type Fault,
  json,
} from '../../../../test/support/endpoint-server.js';
import { classify } from '../../../../test/support/models/classifier.js';
import {
  openInferenceServer,
  type ServedClassifier,
} from '../../../../test/support/open-inference-server.js';
import {
  batchOf,
  CONFORMANCE_MLP as MLP,
  describeRuntimeConformance,
  expectedSignal,
  failure,
  samplesOf,
} from '../../../../test/support/runtime-conformance.js';
import { endpointAccess } from '../endpoint/endpoint-access.js';
import { positionsOf } from '../errors.js';
import { openInferenceRuntime } from './open-inference-runtime.js';
import type { OpenInferenceDeclaration } from './metadata.js';

const served: Record<string, ServedClassifier> = {};
let server: EndpointServer;
let names = 0;
beforeAll(async () => {
  server = openInferenceServer(served);
  await server.listen();
});
afterEach(() => {
  server.fault = null;
  server.received.length = 0;
});
afterAll(() => server.close());

function serve(model: ServedClassifier): string {
  const name = `model ${++names}/x`;
  served[name] = model;
  return name;
}

const open = (model: string, changes: Partial<OpenInferenceDeclaration> = {}, timeoutMs = 10_000) =>
  openInferenceRuntime(
    {
      kind: 'open-inference',
      url: `${server.url}/`,
      model,
      version: null,
      output: null,
      outputForm: 'logits',
      encoding: 'binary',
      ...changes,
    },
    { timeoutMs, endpoints: endpointAccess([server.host], undefined) },
    { firstPauseMs: 1 },
  );

const onInference =
  (fault: Fault): Fault =>
  (request, response) =>
    request.path.endsWith('/infer') ? fault(request, response) : null;

const COUNT = 7;
const DATA = samplesOf(MLP, COUNT);
const LABELS = Array.from({ length: COUNT }, (_, i) => i % MLP.classes);
const BATCH = batchOf(MLP, DATA, LABELS);
const EXPECTED = LABELS.map((label, i) =>
  expectedSignal(classify(MLP, DATA.subarray(i * 6, i * 6 + 6)), label, 'loss'),
);

function expectClose(signals: Float64Array): void {
  expect(signals).toHaveLength(COUNT);
  signals.forEach((signal, i) => expect(Math.abs(signal - EXPECTED[i]!)).toBeLessThan(1e-4));
}

describe.each(['json', 'binary'] as const)('encoding %s', (encoding) => {
  const provoked = async (fault: Fault, timeoutMs = 10_000) => {
    const runtime = await open(serve({ classifier: MLP }), { encoding }, timeoutMs);
    server.fault = onInference(fault);
    return runtime.signals(BATCH, 'loss').finally(() => runtime.dispose());
  };

  describeRuntimeConformance(`open-inference, ${encoding}`, () => ({
    open: (classifier, outputForm) => open(serve({ classifier }), { outputForm, encoding }),
    backend: /^open-inference endpoint \(test-server 1\.2\.3; test_plain; version 3\)$/,
    faults: {
      truncated: {
        provoke: () =>
          provoked((_, response) => {
            response
              .writeHead(200, { 'content-length': '500' })
              .write('{"outputs":[', () => response.destroy());
            return 'handled';
          }),
        code: 'RUNTIME_UNAVAILABLE',
        retryable: true,
      },
      outOfMemory: {
        provoke: () => provoked(() => json(500, { error: 'CUDA out of memory' })),
        code: 'RUNTIME_ENDPOINT_REFUSED',
        retryable: true,
      },
      timeout: { provoke: () => provoked(() => 'handled', 100), code: 'RUNTIME_TIMEOUT', retryable: true },
    },
  }));

  it('a server with a limit on batches gets smaller ones', async () => {
    const runtime = await open(serve({ classifier: MLP, maxBatch: 2 }), { encoding });
    expectClose(await runtime.signals(BATCH, 'loss'));
    await runtime.dispose();
  });

  it('a model with a fixed batch size gets exactly that', async () => {
    const runtime = await open(serve({ classifier: MLP, batch: 3 }), { encoding });
    expectClose(await runtime.signals(BATCH, 'loss'));
    await runtime.dispose();
  });

  it('large batches go in several requests', async () => {
    const runtime = await open(serve({ classifier: MLP }), { encoding });
    const count = 200_000;
    const data = new Float32Array(count * 6);
    data.set(DATA, (count - COUNT) * 6);
    const labels = [...new Array<number>(count - COUNT).fill(0), ...LABELS];
    expectClose((await runtime.signals(batchOf(MLP, data, labels), 'loss')).slice(count - COUNT));
    expect(server.received.filter(({ path }) => path.endsWith('/infer'))).toHaveLength(2);
    await runtime.dispose();
  });

  it('a model whose metadata say no tensors gets the samples as they are', async () => {
    for (const output of [null, 'output']) {
      const runtime = await open(serve({ classifier: MLP, silent: true }), { encoding, output });
      expectClose(await runtime.signals(BATCH, 'loss'));
      await runtime.dispose();
    }
  });

  it('reads FP64, and refuses other types by name', async () => {
    const runtime = await open(serve({ classifier: MLP, outputDatatype: 'FP64' }), { encoding });
    expectClose(await runtime.signals(BATCH, 'loss'));
    await runtime.dispose();
    for (const outputDatatype of ['FP16', 'INT64'] as const) {
      const other = await open(serve({ classifier: MLP, outputDatatype }), { encoding });
      expect((await failure(other.signals(BATCH, 'loss'))).code).toBe('RUNTIME_OUTPUT_MISMATCH');
      await other.dispose();
    }
  });

  it('asks for the declared version, and takes no other', async () => {
    const model = serve({ classifier: MLP });
    const runtime = await open(model, { encoding, version: '3' });
    expectClose(await runtime.signals(BATCH, 'loss'));
    const paths = server.received.map(({ path }) => path).filter((path) => path !== '/v2');
    const path = `/v2/models/${encodeURIComponent(model)}/versions/3`;
    expect(paths).toEqual([path, `${path}/infer`]);
    server.fault = onInference(() => json(200, { model_version: '4', outputs: [output()] }));
    expect((await failure(runtime.signals(BATCH, 'loss'))).code).toBe('RUNTIME_RESPONSE_BROKEN');
    await runtime.dispose();
    const missing = await failure(open(model, { encoding, version: '4' }));
    expect([missing.code, missing.details['status']]).toEqual(['RUNTIME_ENDPOINT_REFUSED', 404]);
  });

  it('an output that is not there', async () => {
    expect((await failure(open(serve({ classifier: MLP }), { encoding, output: 'other' }))).code).toBe(
      'RUNTIME_MODEL_BROKEN',
    );
    const runtime = await open(serve({ classifier: MLP, silent: true }), { encoding });
    server.fault = onInference(() => json(200, { outputs: [output(), { ...output(), name: 'second' }] }));
    expect((await failure(runtime.signals(BATCH, 'loss'))).code).toBe('RUNTIME_OUTPUT_MISMATCH');
    await runtime.dispose();
  });
});

const output = (changes: object = {}) => ({
  name: 'output',
  datatype: 'FP32',
  shape: [COUNT, 5],
  data: new Array<number>(COUNT * 5).fill(1),
  ...changes,
});

/** An answer with a binary part, its header and its announcements as given. */
function binary(block: Uint8Array, announced: number, headerLength?: string, changes: object = {}): Answer {
  const tensor = { ...output(changes), data: undefined, parameters: { binary_data_size: announced } };
  const text = JSON.stringify({ outputs: [tensor] });
  return {
    status: 200,
    headers: { 'inference-header-content-length': headerLength ?? String(Buffer.byteLength(text)) },
    body: Buffer.concat([Buffer.from(text), block]),
  };
}

describe('answers that do not follow the protocol', () => {
  const answered = async (answer: Answer) => {
    const runtime = await open(serve({ classifier: MLP }));
    server.fault = onInference(() => answer);
    return runtime.signals(BATCH, 'loss').finally(() => runtime.dispose());
  };
  const numbers = Buffer.alloc(COUNT * 5 * 4);

  it('the same answers unspoiled are taken', async () => {
    expect(await answered(json(200, { outputs: [output()] }))).toHaveLength(COUNT);
    expect(await answered(binary(numbers, numbers.byteLength))).toHaveLength(COUNT);
    const nested = Array.from({ length: COUNT }, () => [1, 1, 1, 1, 1]);
    expect(await answered(json(200, { outputs: [output({ data: nested })] }))).toHaveLength(COUNT);
  });

  it.each<[string, Answer]>([
    ['no JSON', { status: 200, body: 'hello' }],
    ['an empty body', { status: 200, body: '' }],
    ['JSON cut off', { status: 200, body: '{"outputs":[{"name":"outp' }],
    ['another shape of JSON', json(200, { predictions: [[1, 2]] })],
    ['no outputs', json(200, { outputs: [] })],
    ['an output without data', json(200, { outputs: [output({ data: undefined })] })],
    ['too few numbers', json(200, { outputs: [output({ data: [1, 2, 3] })] })],
    ['text in place of numbers', json(200, { outputs: [output({ data: new Array(COUNT * 5).fill('1') })] })],
    ['another request answered', json(200, { id: 'zzz', outputs: [output()] })],
    ['a negative dimension', json(200, { outputs: [output({ shape: [-1, 5] })] })],
    ['binary: fewer bytes than announced', binary(numbers.subarray(4), numbers.byteLength)],
    ['binary: more bytes than announced', binary(Buffer.alloc(numbers.byteLength + 1), numbers.byteLength)],
    ['binary: no whole numbers', binary(Buffer.alloc(139), 139)],
    ['binary: fewer numbers than the shape', binary(Buffer.alloc(136), 136)],
    ['binary: length of the JSON beyond the body', binary(numbers, numbers.byteLength, '99999')],
    ['binary: length of the JSON no number', binary(numbers, numbers.byteLength, 'x')],
    ['binary: length of the JSON inside the JSON', binary(numbers, numbers.byteLength, '20')],
  ])('%s', async (_, answer) => {
    const error = await failure(answered(answer));
    expect([error.code, error.retryable, positionsOf(error)]).toEqual(['RUNTIME_RESPONSE_BROKEN', false, []]);
  });

  it.each([[[5, COUNT]], [[COUNT * 5]], [[COUNT, 5, 1]], [[COUNT, 1, 5]]])(
    'output of shape %j',
    async (shape) => {
      const error = await failure(answered(json(200, { outputs: [output({ shape })] })));
      expect([error.code, error.retryable]).toEqual(['RUNTIME_OUTPUT_MISMATCH', false]);
    },
  );

  it.each(['null', 'NaN', '-Infinity', '  NaN '])('%s for a number names its sample', async (word) => {
    const data = Array.from({ length: COUNT * 5 }, (_, at) => (at === 7 ? 'HERE' : 1));
    const body = JSON.stringify({ outputs: [output({ data })] });
    const error = await failure(answered({ status: 200, body: body.replace('"HERE"', word) }));
    expect([error.code, positionsOf(error)]).toEqual(['RUNTIME_OUTPUT_NOT_FINITE', [1]]);
  });

  it('metadata: not JSON, without a name, of types that cannot be sent', async () => {
    const metadata = (answer: Answer) => {
      server.fault = (request) => (request.path === '/v2' ? null : answer);
      return failure(open('any'));
    };
    const input = { name: 'input', datatype: 'BYTES', shape: [-1, 1] };
    expect((await metadata({ status: 200, body: 'x' })).code).toBe('RUNTIME_RESPONSE_BROKEN');
    expect((await metadata(json(200, { platform: 'x' }))).code).toBe('RUNTIME_RESPONSE_BROKEN');
    expect((await metadata(json(200, { name: 'x', inputs: [input], outputs: [] }))).code).toBe(
      'RUNTIME_MODEL_BROKEN',
    );
  });

  it('a host that nobody allowed is not contacted', async () => {
    const error = await failure(
      open(serve({ classifier: MLP }), { url: server.url.replace('127.0.0.1', 'localhost') }),
    );
    expect([error.code, server.received]).toEqual(['RUNTIME_ENDPOINT_FORBIDDEN', []]);
  });
});

describe('what samples can hold', () => {
  const serveEcho = async (datatype: string, encoding: 'json' | 'binary') => {
    const input = { name: 'input', datatype, shape: [-1, 2] };
    server.fault = (request) => {
      if (request.path === '/v2') return null;
      if (request.path.endsWith('/infer'))
        return json(200, { outputs: [output({ shape: [2, 2], data: [1, 2, 3, 4] })] });
      return json(200, {
        name: 'x',
        inputs: [input],
        outputs: [{ ...input, name: 'output', datatype: 'FP32' }],
      });
    };
    return open('any', { encoding });
  };
  const CASES = [
    ['INT64', 'int64', BigInt64Array.of(1n, -2n, 9007199254740993n, 4n), '[1,-2,9007199254740993,4]'],
    ['INT32', 'int32', Int32Array.of(1, -2, 3, 4), '[1,-2,3,4]'],
    ['UINT8', 'uint8', Uint8Array.of(1, 2, 255, 4), '[1,2,255,4]'],
    ['BOOL', 'bool', Uint8Array.of(1, 0, 0, 1), '[true,false,false,true]'],
    ['FP64', 'float64', Float64Array.of(0.1, -2, 1e300, 4), '[0.1,-2,1e+300,4]'],
    ['FP32', 'float32', Float32Array.of(0.5, -2, 3, 4), '[0.5,-2,3,4]'],
  ] as const;

  it.each(CASES)('%s in JSON and in bytes, to the last digit', async (datatype, dtype, data, text) => {
    const batch = (from: number) => ({
      form: 'tensors' as const,
      count: 2,
      tensors: [{ name: 'input', dtype, shape: [2], data: data.subarray(from) }],
      labels: Int32Array.of(0, 1),
    });
    const asJson = await serveEcho(datatype, 'json');
    await asJson.signals(batch(0), 'loss');
    expect(server.received.at(-1)!.body.toString()).toContain(
      `"shape":[2,2],"datatype":"${datatype}","data":${text}`,
    );
    const asBytes = await serveEcho(datatype, 'binary');
    await asBytes.signals(batch(0), 'loss');
    const { headers, body } = server.received.at(-1)!;
    const block = body.subarray(Number(headers['inference-header-content-length']));
    expect([...block]).toEqual([...new Uint8Array(data.buffer)]);
    expect(JSON.parse(body.subarray(0, -block.byteLength).toString())).toMatchObject({
      parameters: { binary_data_output: true },
      inputs: [{ name: 'input', shape: [2, 2], datatype, parameters: { binary_data_size: data.byteLength } }],
    });
    await asJson.dispose();
    await asBytes.dispose();
  });

  it('NaN cannot go into JSON: its sample is named', async () => {
    const runtime = await serveEcho('FP32', 'json');
    const error = await failure(
      runtime.signals(
        {
          form: 'tensors',
          count: 2,
          tensors: [{ name: 'input', dtype: 'float32', shape: [2], data: Float32Array.of(1, 2, NaN, 4) }],
          labels: Int32Array.of(0, 1),
        },
        'loss',
      ),
    );
    expect([error.code, positionsOf(error)]).toEqual(['RUNTIME_INPUT_MISMATCH', [1]]);
    await runtime.dispose();
  });
});
