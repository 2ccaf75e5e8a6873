/** What an artifact says it is, checked. Refusals name the field. Proven by test/medium/artifacts.spec.ts. */
import { z } from 'zod';
import { InferenceError } from '../errors.js';
import type { ArtifactDeclaration } from '../runtime.js';
import { isArtifactPath } from './artifact-path.js';

/** Whether an artifact's digest binds the model itself, or only the address it answers under: the weaker one. */
export type ArtifactBinding = 'files' | 'endpoint';

const printable = z
  .string()
  .min(1)
  .max(200)
  .refine((text) => !/[\p{Cc}\p{Surrogate}]/u.test(text), 'must not hold control characters');
const output = printable.nullish().transform((text) => text ?? null);
const outputForm = z.enum(['logits', 'probabilities']);

/** A base URL: no credentials (it is written into the ledger), no query. */
const baseUrl = z
  .url({ protocol: /^https?$/ })
  .max(2000)
  .refine((text) => {
    if (!URL.canParse(text)) return false;
    const { username, password, search, hash } = new URL(text);
    return username === '' && password === '' && search === '' && hash === '';
  }, 'must hold no user name, password, query or fragment')
  .transform((text) => text.replace(/\/+$/, ''));

const filesDeclaration = z.strictObject({
  kind: z.enum(['onnx', 'tfjs']),
  entry: z
    .string()
    .refine(
      (text) => text === '.' || isArtifactPath(text),
      'must be the path of a file in the artifact, or "."',
    ),
  output,
  outputForm,
});

const endpointDeclaration = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('open-inference'),
    url: baseUrl,
    model: printable,
    version: printable.nullish().transform((text) => text ?? null),
    output,
    outputForm,
    encoding: z.enum(['json', 'binary']).default('json'),
  }),
  z.strictObject({
    kind: z.literal('openai-completions'),
    url: baseUrl,
    model: printable,
    form: z.enum(['prompt-logprobs', 'echo']),
  }),
]);

export type FilesDeclaration = Extract<ArtifactDeclaration, { kind: 'onnx' | 'tfjs' }>;
export type EndpointDeclaration = Exclude<ArtifactDeclaration, FilesDeclaration>;

/** @throws InferenceError ARTIFACT_DECLARATION_INVALID with details.field */
export const parseFilesDeclaration = (input: unknown): FilesDeclaration => parse(filesDeclaration, input);

/** @throws InferenceError ARTIFACT_DECLARATION_INVALID with details.field */
export const parseEndpointDeclaration = (input: unknown): EndpointDeclaration =>
  parse(endpointDeclaration, input);

export const bindingOf = ({ kind }: ArtifactDeclaration): ArtifactBinding =>
  kind === 'onnx' || kind === 'tfjs' ? 'files' : 'endpoint';

function parse<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const field = issue.path.join('.');
  throw new InferenceError(
    'ARTIFACT_DECLARATION_INVALID',
    `${field === '' ? 'the declaration' : field}: ${issue.code === 'unrecognized_keys' ? 'has unknown fields' : issue.message}`,
    { details: { field } },
  );
}
