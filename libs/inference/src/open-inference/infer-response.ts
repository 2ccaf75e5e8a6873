/**
 * An inference response ("Inference Response JSON Object"), its tensors in the JSON, nested or flat, or behind it. Checked
 * to the byte, since a shifted block would be numbers too. Proven by open-inference-runtime.spec.ts.
 */
import { z } from 'zod';
import type { EndpointAnswer } from '../endpoint/http-exchange.js';
import { brokenAnswer, parseAnswer } from '../endpoint/json-answer.js';
import { InferenceError } from '../errors.js';
import type { ModelOutput } from '../local/signals-of-output.js';
import { floatsOf } from './datatypes.js';

const outputSchema = z.object({
  name: z.string(),
  datatype: z.string(),
  shape: z.array(z.number().int().nonnegative()),
  parameters: z.looseObject({ binary_data_size: z.number().int().nonnegative().nullish() }).nullish(),
  data: z.array(z.unknown()).nullish(),
});
type Output = z.infer<typeof outputSchema>;

const responseSchema = z.object({
  id: z.string().nullish(),
  model_version: z.string().nullish(),
  outputs: z.array(outputSchema).min(1),
});

export interface Expected {
  /** Name of the output; empty where it is the only one. */
  readonly output: string;
  readonly id: string;
  readonly version: string | null;
}

/**
 * Returns the expected output, NaN where the server wrote null.
 * @throws InferenceError RUNTIME_RESPONSE_BROKEN; RUNTIME_OUTPUT_MISMATCH where the output is missing or no FP32 or FP64
 */
export function parseInferResponse(answer: EndpointAnswer, expected: Expected): ModelOutput {
  const jsonBytes = jsonLength(answer);
  const response = parseAnswer(answer.body.subarray(0, jsonBytes), responseSchema, 'inference response');
  if (response.id && response.id !== expected.id) throw brokenAnswer('the endpoint answered another request');
  if (expected.version !== null && response.model_version && response.model_version !== expected.version) {
    throw brokenAnswer('the endpoint answered with another version of the model than asked');
  }
  const blocks = binaryBlocks(response.outputs, answer.body.subarray(jsonBytes));
  const output = chosen(response.outputs, expected.output);
  const block = blocks.get(output);
  const { datatype, shape } = output;
  if (datatype !== 'FP32' && datatype !== 'FP64') {
    throw new InferenceError(
      'RUNTIME_OUTPUT_MISMATCH',
      'the output must be FP32 or FP64, to be read as classes',
    );
  }
  const data = block === undefined ? numbersOf(output, datatype) : floatsOf(datatype, whole(block, datatype));
  if (data.length !== shape.reduce((product, size) => product * size, 1)) {
    throw brokenAnswer(
      `the endpoint's output holds ${data.length} numbers; its shape is [${shape.join(', ')}]`,
    );
  }
  return { shape, data };
}

function jsonLength({ headers, body }: EndpointAnswer): number {
  const header = headers['inference-header-content-length'];
  if (header === undefined) return body.byteLength;
  const length = Number(header);
  if (typeof header === 'string' && /^\d+$/.test(header) && length <= body.byteLength) return length;
  throw brokenAnswer("the endpoint's Inference-Header-Content-Length is no length within its answer");
}

function binaryBlocks(outputs: readonly Output[], bytes: Uint8Array): Map<Output, Uint8Array> {
  const blocks = new Map<Output, Uint8Array>();
  let at = 0;
  for (const output of outputs) {
    const size = output.parameters?.binary_data_size;
    if (size === undefined || size === null) continue;
    blocks.set(output, bytes.subarray(at, at + size));
    at += size;
  }
  if (at === bytes.byteLength) return blocks;
  throw brokenAnswer(`the endpoint announced ${at} bytes of binary tensors and sent ${bytes.byteLength}`);
}

function chosen(outputs: readonly Output[], name: string): Output {
  const found = name === '' ? outputs[0] : outputs.find((output) => output.name === name);
  if (found && (name !== '' || outputs.length === 1)) return found;
  throw new InferenceError(
    'RUNTIME_OUTPUT_MISMATCH',
    name === ''
      ? 'the model has several outputs; declare the one that holds the classes'
      : `the endpoint's answer has no output ${name}`,
  );
}

function whole(block: Uint8Array, datatype: 'FP32' | 'FP64'): Uint8Array {
  if (block.byteLength % (datatype === 'FP32' ? 4 : 8) === 0) return block;
  throw brokenAnswer(
    `the endpoint's binary tensor of ${block.byteLength} bytes holds no whole number of ${datatype}`,
  );
}

function numbersOf({ data }: Output, datatype: 'FP32' | 'FP64'): Float32Array | Float64Array {
  if (!data) throw brokenAnswer("the endpoint's output has no data");
  const numbers = data.flat(Infinity).map((value) => {
    if (value === null) return NaN;
    if (typeof value === 'number') return value;
    throw brokenAnswer("the endpoint's output holds something that is no number");
  });
  return datatype === 'FP32' ? Float32Array.from(numbers) : Float64Array.from(numbers);
}
