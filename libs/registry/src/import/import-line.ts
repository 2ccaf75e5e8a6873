/**
 * One line of an import: the JSON object of one deletion request, with the fields of the GraphQL input but for the
 * idempotency key, which the import as a whole has. Messages name fields, never their content.
 */
import type { FaultyLine, Line } from '@app/inference';
import { z } from 'zod';
import type { RegistryError } from '../errors.js';
import { type RequestContent, requestFields } from '../filing.js';
import { parseInput } from '../input.js';
import { importFaults } from './import-faults.js';

const when = z.iso
  .datetime({ offset: true, error: 'must be a time like 2026-11-20T09:00:00Z' })
  .transform((text) => new Date(text));
const importLine = z.strictObject(requestFields(when));

/**
 * The request a line holds; null for a blank line.
 * @throws RegistryError REGISTRY_IMPORT_MALFORMED_LINE, REGISTRY_INPUT_INVALID
 */
export function readImportLine(line: Line | FaultyLine): RequestContent | null {
  if ('fault' in line) throw line.fault;
  if (line.text.trim() === '') return null;
  return parseInput(importLine, parseJson(line));
}

function parseJson({ line, text }: Line): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Without its cause: V8 quotes the text in the message.
    throw importFaults.malformed(line, 'it is not JSON') as RegistryError;
  }
}
