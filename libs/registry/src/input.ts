/** Rules for what callers may send, shared by all services; every refusal names the field and never its content. */
import { isSampleId } from '@app/inference';
import { z } from 'zod';
import { RegistryError } from './errors.js';

const CONTROL_OR_BROKEN = /[\p{Cc}\p{Surrogate}\u2028\u2029]/u;

/** Text of 1 to `longest` characters that people can read and compare. */
export const printable = (longest: number) =>
  z
    .string()
    .min(1)
    .max(longest)
    .refine((text) => text.trim() === text, 'must not begin or end with a space')
    .refine((text) => !CONTROL_OR_BROKEN.test(text), 'must not hold control characters');

/** A larger list belongs in a file: a recording, named by its id. */
export const MAX_LISTED_SAMPLES = 100_000;

export const name = printable(200);
export const uuid = z.uuid().transform((text) => text.toLowerCase());
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lowercase hexadecimal digits');
export const signalKind = z.enum(['probability', 'loss']);
export const sampleId = z
  .string()
  .refine(isSampleId, 'must be 1 to 256 characters, without control characters or outer spaces');
/** Chosen by the client for each thing it registers; the ledger answers a repeat with the first answer. */
export const idempotencyKey = printable(200);

const actorSchema = printable(200);

/** @throws RegistryError REGISTRY_INPUT_INVALID with details.field, a path like `samples.3.sampleId` */
export function parseInput<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.join('.') ?? '';
  throw new RegistryError(
    'REGISTRY_INPUT_INVALID',
    `${field === '' ? 'the input' : field}: ${issue?.message ?? 'not usable'}`,
    { details: { field } },
  );
}

/** Who registers, as the access layer named them. @throws RegistryError REGISTRY_INPUT_INVALID */
export function parseActor(actor: string): string {
  return parseInput(z.object({ actor: actorSchema }), { actor }).actor;
}

/** The model a list is asked for. @throws RegistryError REGISTRY_INPUT_INVALID */
export function parseModelId(modelId: string): string {
  return parseInput(z.object({ modelId: uuid }), { modelId }).modelId;
}

/** True where `id` can be an id at all; anything else is simply not found. */
export const isUuid = (id: string): boolean => z.uuid().safeParse(id).success;

/** @throws RegistryError REGISTRY_NOT_FOUND unless there is an entity */
export function found<Entity>(entity: Entity | undefined, kind: string): Entity {
  if (entity !== undefined) return entity;
  throw new RegistryError('REGISTRY_NOT_FOUND', `there is no such ${kind}`, { details: { entity: kind } });
}
