/** A sample of a file, and how people find it there: by the line of a text, by the row of arrays. */
import { InferenceError } from '../errors.js';

export type SamplePlace =
  /** 1 for the first line; blank lines count. */
  | { readonly line: number }
  /** 0 for the first row, as numpy counts. */
  | { readonly index: number };

export interface PlacedPayload {
  readonly place: SamplePlace;
  readonly sampleId: string;
  readonly payload: Uint8Array;
}

export const nameOfPlace = (place: SamplePlace): string =>
  'line' in place ? `line ${place.line}` : `sample ${place.index} (counted from 0)`;

/** The same error, saying which sample of the file is meant; anything but an InferenceError as it is. */
export function atPlace(error: unknown, place: SamplePlace): unknown {
  if (!(error instanceof InferenceError)) return error;
  const { code, message, details } = error;
  return new InferenceError(code, `${nameOfPlace(place)}: ${message}`, { details: { ...place, ...details } });
}
