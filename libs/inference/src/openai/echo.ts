/**
 * The portable form: the server says the prompt again (`echo`), generates nothing and gives one log-probability a token,
 * null for the first. Only standard fields are sent: strict servers refuse others. Proven by completions-runtime.spec.ts.
 */
import { z } from 'zod';
import type { CompletionForm } from './completion-form.js';

const choiceSchema = z.object({
  logprobs: z.object({
    tokens: z.array(z.string()),
    token_logprobs: z.array(z.number().nullable()),
  }),
});

export const echoForm: CompletionForm<z.infer<typeof choiceSchema>> = {
  choiceSchema,
  request: () => ({ max_tokens: 0, echo: true, logprobs: 1 }),
  logProbabilities({ logprobs }, prompt) {
    const { tokens, token_logprobs: values } = logprobs;
    if (tokens.length !== values.length) return null;
    if (typeof prompt !== 'string' && prompt.length !== values.length) return null;
    return Float64Array.from(values, (value) => value ?? NaN);
  },
};
