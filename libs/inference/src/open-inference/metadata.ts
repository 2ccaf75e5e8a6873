/** What a server says of one model: `GET /v2/models/{model}[/versions/{version}]` ("Model Metadata"). */
import { z } from 'zod';
import type { Deadline, EndpointClient } from '../endpoint/endpoint-client.js';
import { parseAnswer } from '../endpoint/json-answer.js';
import { printable } from '../endpoint/printable.js';
import { InferenceError } from '../errors.js';
import type { ArtifactDeclaration, ModelDescription, TensorSpec } from '../runtime.js';
import { dtypeOf } from './datatypes.js';

export type OpenInferenceDeclaration = Extract<ArtifactDeclaration, { kind: 'open-inference' }>;

const tensorSchema = z.object({
  name: z.string(),
  datatype: z.string(),
  shape: z.array(z.number().int().min(-1)),
});
type Tensor = z.infer<typeof tensorSchema>;

/** Some servers leave the tensors out, or null, where nobody configured them. */
const tensorsSchema = z
  .array(tensorSchema)
  .nullish()
  .transform((tensors) => tensors ?? []);
const modelSchema = z.object({
  name: z.string(),
  platform: z.string().nullish(),
  versions: z.array(z.string()).nullish(),
  inputs: tensorsSchema,
  outputs: tensorsSchema,
});
const serverSchema = z.object({ name: z.string(), version: z.string().nullish() });

export interface ServedModel {
  readonly backend: string;
  /** Inputs are empty where the server does not say them; the samples' own tensors are sent then. */
  readonly description: ModelDescription;
}

export function modelPath({ model, version }: OpenInferenceDeclaration): string {
  const ofVersion = version === null ? '' : `/versions/${encodeURIComponent(version)}`;
  return `/v2/models/${encodeURIComponent(model)}${ofVersion}`;
}

/** @throws InferenceError RUNTIME_MODEL_BROKEN, RUNTIME_RESPONSE_BROKEN, and what EndpointClient.send throws */
export async function readMetadata(
  client: EndpointClient,
  declaration: OpenInferenceDeclaration,
  deadline: Deadline,
): Promise<ServedModel> {
  const answer = await client.send({ method: 'GET', path: modelPath(declaration) }, deadline);
  const model = parseAnswer(answer.body, modelSchema, 'model metadata');
  const said = await client.send({ method: 'GET', path: '/v2' }, deadline);
  const server = parseAnswer(said.body, serverSchema, 'server metadata');
  const versions = declaration.version ?? model.versions?.join('+') ?? '';
  const parts = [
    [server.name, server.version].filter(Boolean).join(' '),
    model.platform,
    versions === '' ? null : `version ${versions}`,
  ];
  return {
    backend: `open-inference endpoint (${parts
      .filter(Boolean)
      .map((part) => printable(part!))
      .join('; ')})`,
    description: {
      inputs: model.inputs.map(inputSpec),
      outputs: model.outputs.length === 0 ? [unsaidOutput(declaration)] : model.outputs.map(outputSpec),
    },
  };
}

function inputSpec(tensor: Tensor): TensorSpec {
  const dtype = dtypeOf(tensor.datatype);
  if (dtype !== null) return { name: tensor.name, dtype, shape: tensor.shape.map(free) };
  throw new InferenceError(
    'RUNTIME_MODEL_BROKEN',
    `the model takes ${printable(tensor.datatype)}; only BOOL, UINT8, INT32, INT64, FP32 and FP64 can be sent`,
  );
}

/** Only one output is read, and its type checked then: another may have any type. */
function outputSpec(tensor: Tensor): TensorSpec {
  return { name: tensor.name, dtype: dtypeOf(tensor.datatype) ?? 'float32', shape: tensor.shape.map(free) };
}

/** No name: whichever output the answer holds, if it is only one. */
function unsaidOutput({ output }: OpenInferenceDeclaration): TensorSpec {
  return { name: output ?? '', dtype: 'float32', shape: [null, null] };
}

const free = (size: number): number | null => (size === -1 ? null : size);
