import type { z } from 'zod';

/** Text, or token ids. */
export type Prompt = string | readonly number[];

/** One way of asking a completions server for the log-probabilities of a prompt's own tokens. */
export interface CompletionForm<Choice> {
  readonly choiceSchema: z.ZodType<Choice>;
  /** Fields of the request besides model, prompt and temperature. */
  request(salt: string): Readonly<Record<string, unknown>>;
  /**
   * Returns one log-probability a token of the prompt, the first of no meaning, NaN where the server gave none; null where
   * the choice does not belong to the prompt or leaves open which entries are the prompt's own.
   */
  logProbabilities(choice: Choice, prompt: Prompt): Float64Array | null;
}
