/**
 * What a library throws about a model, as a coded error. Loading has seen no sample, so its reason is passed on, without the
 * machine's paths; running has, so that only the operator at fault is named.
 */
import { InferenceError } from '../errors.js';

const OUT_OF_MEMORY =
  /bad_alloc|out of memory|\boom\b|(failed|unable|cannot) to allocate|allocation (failed|of \d+)/i;
const REASON_CHARACTERS = 300;

export function loadFault(error: unknown, directory: string): InferenceError {
  if (error instanceof InferenceError) return error;
  const text = textOf(error);
  if (OUT_OF_MEMORY.test(text)) return outOfMemory('to load');
  const reason = text.replaceAll(directory, '').split('\n')[0]!.slice(0, REASON_CHARACTERS);
  return new InferenceError(
    'RUNTIME_MODEL_BROKEN',
    `the model cannot be loaded: ${reason}; check that the artifact is whole and of the declared kind`,
  );
}

export function runFault(error: unknown): InferenceError {
  if (error instanceof InferenceError) return error;
  const text = textOf(error);
  if (OUT_OF_MEMORY.test(text)) return outOfMemory('for a batch');
  const operator = /running (\w+) node\. Name:\s*'([^']*)'/.exec(text);
  const where = operator ? ` in its operator ${operator[1]} (${operator[2]})` : '';
  return new InferenceError('RUNTIME_MODEL_BROKEN', `the model's computation fails${where}`);
}

function outOfMemory(when: string): InferenceError {
  return new InferenceError('RUNTIME_OUT_OF_MEMORY', `the model asks for more memory ${when} than there is`);
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
