/**
 * An inference request ("Inference Request JSON Object"), with its tensors in the JSON or behind it ("Binary tensor data
 * extension"). Proven by open-inference-runtime.spec.ts.
 */
import type { EndpointRequest } from '../endpoint/http-exchange.js';
import { InferenceError } from '../errors.js';
import type { Feed } from '../local/feeds.js';
import type { TensorData } from '../runtime.js';
import { bytesOf, datatypeOf } from './datatypes.js';
import { modelPath, type OpenInferenceDeclaration } from './metadata.js';

/** @param output name of the wanted output; empty for whatever there is */
export function inferRequest(
  declaration: OpenInferenceDeclaration,
  feeds: readonly Feed[],
  output: string,
  id: string,
): EndpointRequest {
  const path = `${modelPath(declaration)}/infer`;
  return declaration.encoding === 'binary'
    ? { method: 'POST', path, ...binaryBody(feeds, output, id) }
    : { method: 'POST', path, ...jsonBody(feeds, output, id) };
}

type Body = Pick<EndpointRequest, 'headers' | 'body'>;

function jsonBody(feeds: readonly Feed[], output: string, id: string): Body {
  // Written by hand: JSON.stringify knows no bigint, and an integer beyond 2^53 must keep every digit.
  const inputs = feeds.map((feed) => `${JSON.stringify(head(feed)).slice(0, -1)},"data":${jsonData(feed)}}`);
  const outputs = output === '' ? '' : `,"outputs":${JSON.stringify([{ name: output }])}`;
  const text = `{"id":${JSON.stringify(id)},"inputs":[${inputs.join(',')}]${outputs}}`;
  return { headers: { 'content-type': 'application/json' }, body: Buffer.from(text) };
}

function binaryBody(feeds: readonly Feed[], output: string, id: string): Body {
  const json = Buffer.from(
    JSON.stringify({
      id,
      // Both ways of asking: for one output, and for all; servers know one or the other.
      parameters: { binary_data_output: true },
      inputs: feeds.map((feed) => ({
        ...head(feed),
        parameters: { binary_data_size: feed.data.byteLength },
      })),
      ...(output === '' ? {} : { outputs: [{ name: output, parameters: { binary_data: true } }] }),
    }),
  );
  return {
    headers: {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(json.byteLength),
    },
    body: Buffer.concat([json, ...feeds.map(({ data }) => bytesOf(data))]),
  };
}

function head({ name, shape, dtype }: Feed) {
  return { name, shape, datatype: datatypeOf(dtype) };
}

function jsonData(feed: Feed): string {
  if (feed.dtype === 'bool') return `[${Array.from(bytesOf(feed.data), (byte) => byte !== 0).join(',')}]`;
  if (feed.data instanceof Float32Array || feed.data instanceof Float64Array) ensureFinite(feed);
  return `[${feed.data.join(',')}]`;
}

function ensureFinite({ name, data, shape }: Feed): void {
  const row = data.length / shape[0]!;
  const positions = new Set<number>();
  (data as Exclude<TensorData, BigInt64Array>).forEach((value, at) => {
    if (!Number.isFinite(value)) positions.add(Math.floor(at / row));
  });
  if (positions.size === 0) return;
  throw new InferenceError(
    'RUNTIME_INPUT_MISMATCH',
    `input ${name} of a sample holds NaN or infinity, which JSON cannot carry`,
    { details: { positions: [...positions].join(',') } },
  );
}
