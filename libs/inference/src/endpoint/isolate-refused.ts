/**
 * Servers refuse a request as a whole, though one sample may be to blame (a text beyond the context length) or only the
 * size of the request. So a refused part is halved until it passes or is one sample, which is then blamed.
 * Proven by isolate-refused.spec.ts.
 */
import { InferenceError } from '../errors.js';

/** Samples [from, to) of a batch. */
export interface Part {
  readonly from: number;
  readonly to: number;
}

/** A refusal of what was sent. Others (401, 404) would refuse any part alike. */
const ABOUT_CONTENT = new Set([400, 413, 422, 500]);

/**
 * So many single samples refused and nothing ever accepted: the request itself is wrong. Fewer would take a few broken
 * samples at the beginning for a broken endpoint; more would flood one that refuses everything.
 */
const HOPELESS_AFTER = 8;

export class RefusalIsolation {
  private acceptedAnything = false;

  /**
   * Sends all parts, one after another.
   * @throws whatever `send` throws; RUNTIME_ENDPOINT_REFUSED with details.positions where some samples are to blame,
   *   after all others have been sent, and without where nothing was ever accepted
   */
  async send(parts: readonly Part[], send: (part: Part) => Promise<void>): Promise<void> {
    const waiting = [...parts].reverse();
    const blamed: number[] = [];
    for (let part = waiting.pop(); part; part = waiting.pop()) {
      const refusal = await this.refusalOf(part, send);
      if (refusal === null) continue;
      const size = part.to - part.from;
      if (size > 1) {
        const middle = part.from + (size >> 1);
        waiting.push({ from: middle, to: part.to }, { from: part.from, to: middle });
        continue;
      }
      blamed.push(part.from);
      const hopeless = waiting.length === 0 || blamed.length >= HOPELESS_AFTER;
      if (!this.acceptedAnything && hopeless) throw refusal;
    }
    if (blamed.length > 0) throw refusedSamples(blamed);
  }

  private async refusalOf(part: Part, send: (part: Part) => Promise<void>): Promise<InferenceError | null> {
    try {
      await send(part);
      this.acceptedAnything = true;
      return null;
    } catch (error) {
      if (isAboutContent(error)) return error;
      throw error;
    }
  }
}

function isAboutContent(error: unknown): error is InferenceError {
  return (
    error instanceof InferenceError &&
    error.code === 'RUNTIME_ENDPOINT_REFUSED' &&
    ABOUT_CONTENT.has(Number(error.details['status']))
  );
}

function refusedSamples(positions: readonly number[]): InferenceError {
  return new InferenceError(
    'RUNTIME_ENDPOINT_REFUSED',
    'the endpoint refuses some samples (too long, or outside its vocabulary or shape) and takes the others',
    { details: { positions: positions.join(',') } },
  );
}
