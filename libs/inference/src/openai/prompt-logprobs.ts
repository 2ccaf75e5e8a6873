/**
 * The `prompt_logprobs` form, as vLLM speaks it: for each position of the prompt an object from token id to
 * log-probability, which holds the prompt's own token and possibly likelier ones. vLLM does not read its prefix cache for
 * such requests; the salt keeps other servers from doing so. Proven by completions-runtime.spec.ts.
 */
import { z } from 'zod';
import type { CompletionForm, Prompt } from './completion-form.js';

const positionSchema = z.record(z.string().regex(/^\d+$/), z.object({ logprob: z.number() })).nullable();
const choiceSchema = z.object({
  prompt_logprobs: z.array(positionSchema),
  prompt_token_ids: z.array(z.number().int().nonnegative()).nullish(),
});

export const promptLogprobsForm: CompletionForm<z.infer<typeof choiceSchema>> = {
  choiceSchema,
  request: (salt) => ({ max_tokens: 1, prompt_logprobs: 1, return_token_ids: true, cache_salt: salt }),
  logProbabilities(choice, prompt) {
    const ids = tokenIds(choice, prompt);
    if (ids !== null && ids.length !== choice.prompt_logprobs.length) return null;
    const values = new Float64Array(choice.prompt_logprobs.length);
    for (let position = 1; position < values.length; position++) {
      const entries = choice.prompt_logprobs[position];
      if (!entries) return null;
      const own = ids === null ? onlyEntry(entries) : entries[String(ids[position])];
      if (own === undefined) return null;
      values[position] = own.logprob;
    }
    return values;
  },
};

/** Of the prompt, as we sent or as the server split it; null where neither is known. */
function tokenIds(choice: z.infer<typeof choiceSchema>, prompt: Prompt): ArrayLike<number> | null {
  if (typeof prompt !== 'string') return prompt;
  return choice.prompt_token_ids ?? null;
}

/** Without the ids it is only clear which entry is the prompt's own where no other stands beside it. */
function onlyEntry(entries: Record<string, { logprob: number }>): { logprob: number } | undefined {
  const all = Object.values(entries);
  return all.length === 1 ? all[0] : undefined;
}
