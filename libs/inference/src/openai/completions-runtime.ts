/**
 * Language models behind a completions endpoint (`POST /v1/completions`): the signal of a text is its average token loss.
 * Texts are only read, never generated on. No streaming. Proven by completions-runtime.spec.ts and, against vLLM, by
 * test/interop/vllm.spec.ts.
 */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { checkEndpoint } from '../endpoint/endpoint-access.js';
import { type ClientSettings, type Deadline, EndpointClient } from '../endpoint/endpoint-client.js';
import { type Part, RefusalIsolation } from '../endpoint/isolate-refused.js';
import { brokenAnswer, parseAnswer } from '../endpoint/json-answer.js';
import { printable } from '../endpoint/printable.js';
import { InferenceError } from '../errors.js';
import type { SignalKind } from '../recorded/row-reader.js';
import type {
  ArtifactDeclaration,
  ModelDescription,
  ModelRuntime,
  RuntimeOptions,
  SampleBatch,
} from '../runtime.js';
import type { CompletionForm, Prompt } from './completion-form.js';
import { echoForm } from './echo.js';
import { promptLogprobsForm } from './prompt-logprobs.js';
import { averageTokenLoss } from './token-loss.js';

export type CompletionsDeclaration = Extract<ArtifactDeclaration, { kind: 'openai-completions' }>;

/** Servers cap the number of prompts in a request (vLLM at 1,024); small lists also keep a retry cheap. */
const MAX_PROMPTS = 32;
/** Tokens or characters in one request: bounds the answer, about 150 bytes a token. */
const MAX_LENGTH = 65_536;

const DESCRIPTION: ModelDescription = {
  inputs: [{ name: 'prompt', dtype: 'int32', shape: [null, null] }],
  outputs: [{ name: 'token_logprobs', dtype: 'float64', shape: [null, null] }],
};

const modelsSchema = z.object({
  data: z.array(z.object({ id: z.string(), owned_by: z.string().nullish() })),
});

export class CompletionsRuntime implements ModelRuntime {
  readonly kind = 'openai-completions';
  private readonly isolation = new RefusalIsolation();

  private constructor(
    private readonly client: EndpointClient,
    private readonly declaration: CompletionsDeclaration,
    private readonly timeoutMs: number,
    readonly backend: string,
  ) {}

  /**
   * Returns the runtime, once the server has said that it serves the model.
   * @throws InferenceError RUNTIME_ENDPOINT_FORBIDDEN, RUNTIME_MODEL_BROKEN, RUNTIME_UNAVAILABLE, …
   */
  static async open(
    declaration: CompletionsDeclaration,
    options: Pick<RuntimeOptions, 'timeoutMs' | 'endpoints'>,
    settings: Partial<ClientSettings> = {},
  ): Promise<CompletionsRuntime> {
    const client = new EndpointClient(checkEndpoint(declaration.url, options.endpoints), settings);
    try {
      const backend = await backendOf(client, declaration, client.deadline(options.timeoutMs));
      return new CompletionsRuntime(client, declaration, options.timeoutMs, backend);
    } catch (error) {
      client.close();
      throw error;
    }
  }

  describe(): ModelDescription {
    return DESCRIPTION;
  }

  async signals(batch: SampleBatch, signalKind: SignalKind): Promise<Float64Array> {
    if (signalKind !== 'loss') {
      throw new InferenceError(
        'RUNTIME_SIGNAL_UNSUPPORTED',
        'a text has no true class and so no probability of it; measure this model by loss',
      );
    }
    const prompts = promptsOf(batch);
    const losses = new Float64Array(prompts.length);
    const deadline = this.client.deadline(this.timeoutMs);
    await this.isolation.send(partsOf(prompts), async ({ from, to }) => {
      losses.set(await this.losses(prompts.slice(from, to), deadline), from);
    });
    blameNotFinite(losses);
    return losses;
  }

  dispose(): Promise<void> {
    this.client.close();
    return Promise.resolve();
  }

  private losses(prompts: readonly Prompt[], deadline: Deadline): Promise<Float64Array> {
    return this.declaration.form === 'echo'
      ? this.lossesBy(echoForm, prompts, deadline)
      : this.lossesBy(promptLogprobsForm, prompts, deadline);
  }

  private async lossesBy<Choice>(
    form: CompletionForm<Choice>,
    prompts: readonly Prompt[],
    deadline: Deadline,
  ): Promise<Float64Array> {
    const body = {
      model: this.declaration.model,
      prompt: prompts,
      temperature: 0,
      ...form.request(randomUUID()),
    };
    const answer = await this.client.send(
      {
        method: 'POST',
        path: '/v1/completions',
        headers: { 'content-type': 'application/json' },
        body: Buffer.from(JSON.stringify(body)),
      },
      deadline,
    );
    const schema = z.object({
      choices: z.array(z.object({ index: z.number() }).and(form.choiceSchema)),
      usage: z.object({ prompt_tokens: z.number() }).nullish(),
    });
    const { choices, usage } = parseAnswer(answer.body, schema, 'completion');
    const rows = prompts.map((prompt, place) => rowOf(form, choices, prompt, place));
    const tokens = rows.reduce((total, row) => total + row.length, 0);
    if (choices.length !== prompts.length || (usage && usage.prompt_tokens !== tokens)) {
      throw brokenAnswer(
        `the endpoint was sent ${prompts.length} prompts and answered with ${choices.length} choices of ${tokens} ` +
          `tokens, which are not the prompts' own alone`,
      );
    }
    return Float64Array.from(rows, averageTokenLoss);
  }
}

function rowOf<Choice>(
  form: CompletionForm<Choice>,
  choices: readonly (Choice & { readonly index: number })[],
  prompt: Prompt,
  place: number,
): Float64Array {
  const choice = choices.find(({ index }) => index === place);
  const row = choice && form.logProbabilities(choice, prompt);
  if (row) return row;
  throw brokenAnswer(
    "the endpoint's completion does not give the log-probabilities of each prompt's own tokens; see the README of " +
      'the lib inference for the servers and versions that do',
  );
}

async function backendOf(
  client: EndpointClient,
  { model, form }: CompletionsDeclaration,
  deadline: Deadline,
): Promise<string> {
  const answer = await client.send({ method: 'GET', path: '/v1/models' }, deadline);
  const { data } = parseAnswer(answer.body, modelsSchema, 'list of models');
  const found = data.find(({ id }) => id === model);
  if (!found) {
    throw new InferenceError('RUNTIME_MODEL_BROKEN', 'the endpoint does not list the declared model');
  }
  return `openai-completions endpoint (${form}; ${printable(found.owned_by ?? 'unknown server')})`;
}

/** @throws InferenceError RUNTIME_INPUT_MISMATCH: tensors; with positions: fewer than two tokens, or no text */
function promptsOf(batch: SampleBatch): Prompt[] {
  if (batch.form === 'tensors') {
    throw new InferenceError(
      'RUNTIME_INPUT_MISMATCH',
      'a language model takes token ids or text, not tensors',
    );
  }
  const prompts: Prompt[] =
    batch.form === 'tokens' ? batch.sequences.map((ids) => [...ids]) : [...batch.texts];
  const least = batch.form === 'tokens' ? 2 : 1;
  const short = positionsWhere(prompts, (prompt) => prompt.length < least);
  if (short.length === 0) return prompts;
  throw new InferenceError(
    'RUNTIME_INPUT_MISMATCH',
    'a loss needs at least two tokens, the second given the first',
    {
      details: { positions: short.join(',') },
    },
  );
}

function partsOf(prompts: readonly Prompt[]): Part[] {
  const parts: Part[] = [];
  let from = 0;
  let length = 0;
  prompts.forEach((prompt, place) => {
    if (place > from && (place - from === MAX_PROMPTS || length + prompt.length > MAX_LENGTH)) {
      parts.push({ from, to: place });
      [from, length] = [place, 0];
    }
    length += prompt.length;
  });
  if (prompts.length > 0) parts.push({ from, to: prompts.length });
  return parts;
}

function blameNotFinite(losses: Float64Array): void {
  const positions = positionsWhere([...losses], Number.isNaN);
  if (positions.length === 0) return;
  throw new InferenceError(
    'RUNTIME_OUTPUT_NOT_FINITE',
    'some texts have no loss: a single token, or a log-probability that is missing or not finite',
    { details: { positions: positions.join(',') } },
  );
}

function positionsWhere<T>(values: readonly T[], matches: (value: T) => boolean): number[] {
  return values.flatMap((value, place) => (matches(value) ? [place] : []));
}
