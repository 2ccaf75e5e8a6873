/**
 * A server of the Open Inference Protocol, version 2, over classifiers of the tests run by onnxruntime: metadata, inference with tensors in
 * JSON and behind it, refusals as the specification words them. Written from the specification and Triton's "Binary tensor
 * data extension", sharing no line with the client.
 */
import { type Answer, EndpointServer, json, type Received } from './endpoint-server.js';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import type { Classifier } from './models/classifier.js';
import { onnxFile } from './models/write-onnx.js';

export interface ServedClassifier {
  readonly classifier: Classifier;
  /** First dimension in the metadata; -1 where any batch is taken. */
  readonly batch?: number;
  readonly outputDatatype?: 'FP32' | 'FP64' | 'FP16' | 'INT64';
  /** Says no tensors in its metadata, as servers do where nobody configured them. */
  readonly silent?: boolean;
  readonly maxBatch?: number;
}

interface Tensor {
  name: string;
  shape: number[];
  datatype: string;
  parameters?: { binary_data_size?: number };
  data?: number[];
}

interface InferRequest {
  id?: string;
  parameters?: { binary_data_output?: boolean };
  inputs: Tensor[];
  outputs?: { name: string; parameters?: { binary_data?: boolean } }[];
}

const PATH = /^\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?(\/infer)?$/;

export function openInferenceServer(models: Readonly<Record<string, ServedClassifier>>): EndpointServer {
  return new EndpointServer(async (request) => {
    if (request.path === '/v2') return json(200, { name: 'test-server', version: '1.2.3', extensions: [] });
    const [, name, version = '3', infer] = PATH.exec(request.path) ?? [];
    const model = name === undefined ? undefined : models[decodeURIComponent(name)];
    if (!model || version !== '3') return json(404, { error: 'unknown model' });
    try {
      return infer ? await inferred(request, name!, model) : json(200, metadata(name!, model));
    } catch (error) {
      return json(400, { error: (error as Error).message });
    }
  });
}

function metadata(
  name: string,
  { classifier, batch = -1, outputDatatype = 'FP32', silent }: ServedClassifier,
) {
  const inputs = [{ name: 'input', datatype: 'FP32', shape: [batch, ...classifier.inputShape] }];
  const outputs = [{ name: 'output', datatype: outputDatatype, shape: [batch, classifier.classes] }];
  return {
    name,
    versions: ['3'],
    platform: 'test_plain',
    inputs: silent ? [] : inputs,
    outputs: silent ? [] : outputs,
  };
}

async function inferred(request: Received, name: string, model: ServedClassifier): Promise<Answer> {
  const headerLength = request.headers['inference-header-content-length'];
  const jsonBytes = headerLength === undefined ? request.body.byteLength : Number(headerLength);
  const body = JSON.parse(request.body.subarray(0, jsonBytes).toString()) as InferRequest;
  const [input] = body.inputs;
  if (body.inputs.length !== 1 || input?.name !== 'input') throw new Error('expected one input named input');
  const values = valuesOf(input, request.body.subarray(jsonBytes));
  const rows = rowsOf(input, values, model);
  const data = await computed(model.classifier, rows);
  const wanted = body.outputs?.find((output) => output.name === 'output');
  if (body.outputs && !wanted) throw new Error('unknown output');
  const binary = wanted?.parameters?.binary_data ?? body.parameters?.binary_data_output ?? false;
  return response(body.id, name, model, rows.length, data, binary);
}

const sessions = new WeakMap<Classifier, Promise<InferenceSession>>();

async function computed(classifier: Classifier, rows: readonly number[][]): Promise<Float32Array> {
  const session = sessions.get(classifier) ?? InferenceSession.create(onnxFile(classifier));
  sessions.set(classifier, session);
  const values = Float32Array.from(rows.flat());
  const input = new OrtTensor('float32', values, [rows.length, ...classifier.inputShape]);
  const { output } = await (await session).run({ input });
  return output!.data as Float32Array;
}

function valuesOf({ datatype, parameters, data }: Tensor, block: Buffer): number[] {
  if (datatype !== 'FP32') throw new Error(`unexpected datatype ${datatype}`);
  if (parameters?.binary_data_size === undefined) return data!.flat();
  if (parameters.binary_data_size !== block.byteLength) throw new Error('binary_data_size and body differ');
  return Array.from({ length: block.byteLength / 4 }, (_, at) => block.readFloatLE(at * 4));
}

function rowsOf(
  { shape }: Tensor,
  values: number[],
  { classifier, batch = -1, maxBatch }: ServedClassifier,
): number[][] {
  const [count, ...rest] = shape as [number, ...number[]];
  if (rest.join() !== classifier.inputShape.join()) throw new Error('unexpected shape');
  if (batch !== -1 && count !== batch) throw new Error(`batch size must be ${batch}`);
  if (maxBatch !== undefined && count > maxBatch) throw new Error(`batch size must be <= ${maxBatch}`);
  const size = rest.reduce((product, length) => product * length, 1);
  if (values.length !== count * size) throw new Error('data and shape differ');
  return Array.from({ length: count }, (_, row) => values.slice(row * size, (row + 1) * size));
}

function response(
  id: string | undefined,
  name: string,
  { classifier, outputDatatype = 'FP32' }: ServedClassifier,
  count: number,
  data: Float32Array,
  binary: boolean,
): Answer {
  const output = { name: 'output', shape: [count, classifier.classes], datatype: outputDatatype };
  const head = { ...(id === undefined ? {} : { id }), model_name: name, model_version: '3' };
  if (!binary) return json(200, { ...head, outputs: [{ ...output, data: [...data] }] });
  const block = outputDatatype === 'FP64' ? doubles(data) : singles(data);
  const parameters = { binary_data_size: block.byteLength };
  const text = Buffer.from(JSON.stringify({ ...head, outputs: [{ ...output, parameters }] }));
  return {
    status: 200,
    headers: {
      'content-type': 'application/octet-stream',
      'Inference-Header-Content-Length': String(text.byteLength),
    },
    body: Buffer.concat([text, block]),
  };
}

function singles(data: Float32Array): Buffer {
  const block = Buffer.alloc(data.length * 4);
  data.forEach((value, at) => block.writeFloatLE(value, at * 4));
  return block;
}

function doubles(data: Float32Array): Buffer {
  const block = Buffer.alloc(data.length * 8);
  data.forEach((value, at) => block.writeDoubleLE(value, at * 8));
  return block;
}
