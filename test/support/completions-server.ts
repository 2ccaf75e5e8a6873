/**
 * A completions server over a small recurrent language model with plain weights and one token a byte, answering as vLLM
 * does: `prompt_logprobs` with a likelier token beside the prompt's own, `echo` with `logprobs`, a context length, a cap on
 * prompts. Written from vLLM's answers (test/interop runs the same demands against vLLM itself).
 */
import { SeededRandom } from '../../libs/iam/src/random.js';
import { EndpointServer, json, type Received } from './endpoint-server.js';

export const VOCABULARY = 256;
const CONTEXT = 64;
const MAX_PROMPTS = 64;
const STATE = 8;

interface CompletionRequest {
  model: string;
  prompt: (string | number[])[];
  max_tokens: number;
  echo?: boolean;
  logprobs?: number;
  prompt_logprobs?: number;
  return_token_ids?: boolean;
}

export class RecurrentModel {
  private readonly embedding: Float64Array;
  private readonly recurrence: Float64Array;
  private readonly readout: Float64Array;

  constructor(seed: number) {
    const random = new SeededRandom(seed);
    const weights = (count: number) => Float64Array.from({ length: count }, () => 2 * random.nextUnit() - 1);
    this.embedding = weights(VOCABULARY * STATE);
    this.recurrence = weights(STATE * STATE);
    this.readout = weights(STATE * VOCABULARY);
  }

  /** ln p(token | tokens before it) for every token at every position after the first: `[T - 1][vocabulary]`. */
  logProbabilities(ids: readonly number[]): Float64Array[] {
    let state = new Float64Array(STATE);
    return ids.slice(0, -1).map((id) => {
      state = state.map((_, s) => {
        let sum = this.embedding[id * STATE + s]!;
        for (let t = 0; t < STATE; t++) sum += this.recurrence[s * STATE + t]! * state[t]!;
        return Math.tanh(sum);
      });
      const logits = Float64Array.from({ length: VOCABULARY }, (_, v) =>
        state.reduce((sum, value, s) => sum + 3 * value * this.readout[s * VOCABULARY + v]!, 0),
      );
      const total = Math.log(logits.reduce((sum, value) => sum + Math.exp(value), 0));
      return logits.map((value) => value - total);
    });
  }

  /** -mean ln p over positions 1 to T-1: what a client should find. */
  loss(ids: readonly number[]): number {
    const rows = this.logProbabilities(ids);
    return -rows.reduce((sum, row, at) => sum + row[ids[at + 1]!]!, 0) / rows.length;
  }
}

export const idsOf = (prompt: string | readonly number[]): number[] =>
  typeof prompt === 'string' ? [...Buffer.from(prompt)] : [...prompt];

export function completionsServer(model: RecurrentModel, name = 'tiny'): EndpointServer {
  return new EndpointServer((request) => {
    if (request.path === '/v1/models')
      return json(200, { object: 'list', data: [{ id: name, owned_by: 'test' }] });
    if (request.path !== '/v1/completions') return refuse(404, 'not found');
    return complete(request, model, name);
  });
}

function complete(received: Received, model: RecurrentModel, name: string) {
  const request = JSON.parse(received.body.toString()) as CompletionRequest;
  if (request.model !== name) return refuse(404, 'no such model');
  if (request.prompt.length > MAX_PROMPTS) return refuse(400, 'too many prompts');
  const prompts = request.prompt.map(idsOf);
  // A real server quotes what it was sent; a client must not pass that on.
  const long = prompts.find((ids) => ids.length > CONTEXT);
  if (long) return refuse(400, `too long: ${JSON.stringify(request.prompt)}`);
  if (prompts.some((ids) => ids.length === 0)) return refuse(400, 'empty');
  const foreign = prompts.flat().find((id) => id >= VOCABULARY);
  if (foreign !== undefined) return refuse(400, `Token id ${foreign} is out of vocabulary`);
  const choices = prompts.map((ids, index) => choice(request, model, ids, index));
  const usage = { prompt_tokens: prompts.flat().length, completion_tokens: prompts.length };
  return json(200, { id: 'cmpl-1', object: 'text_completion', model: name, choices, usage });
}

function choice(request: CompletionRequest, model: RecurrentModel, ids: number[], index: number) {
  const rows = model.logProbabilities(ids);
  const own = rows.map((row, at) => row[ids[at + 1]!]!);
  const tokens = ids.map((id) => String.fromCharCode(id));
  return {
    index,
    text: request.echo ? tokens.join('') : '!',
    finish_reason: 'length',
    logprobs: request.echo
      ? { tokens, token_logprobs: [null, ...own], text_offset: ids.map((_, at) => at) }
      : null,
    prompt_logprobs:
      request.prompt_logprobs === undefined
        ? null
        : [null, ...rows.map((row, at) => ranked(row, ids[at + 1]!))],
    prompt_token_ids: request.return_token_ids ? ids : null,
  };
}

/** The prompt's own token and the likeliest, which may be the same. */
function ranked(row: Float64Array, id: number) {
  const best = row.indexOf(Math.max(...row));
  return Object.fromEntries([id, best].map((token) => [token, { logprob: row[token], decoded_token: 'x' }]));
}

function refuse(status: number, message: string) {
  return json(status, { error: { message, type: 'BadRequestError', code: status } });
}
