/**
 * Classifiers behind a server that speaks the Open Inference Protocol, version 2, over HTTP: Triton, KServe, MLServer and
 * others. Samples are matched to the inputs, and outputs reduced to signals, exactly as for model files.
 * Proven by open-inference-runtime.spec.ts and, against real servers, by test/interop/open-inference.spec.ts.
 */
import { checkEndpoint } from '../endpoint/endpoint-access.js';
import { type ClientSettings, EndpointClient } from '../endpoint/endpoint-client.js';
import { type Part, RefusalIsolation } from '../endpoint/isolate-refused.js';
import { InferenceError } from '../errors.js';
import type { Feed } from '../local/feeds.js';
import { type Engine, LocalRuntime } from '../local/local-runtime.js';
import type { ModelOutput } from '../local/signals-of-output.js';
import type { ModelDescription, ModelRuntime, RuntimeOptions } from '../runtime.js';
import { inferRequest } from './infer-request.js';
import { parseInferResponse } from './infer-response.js';
import { type OpenInferenceDeclaration, readMetadata, type ServedModel } from './metadata.js';

/** 4 MiB of FP32, or about 10 MiB of JSON: servers limit bodies (Triton at 64 MiB), and a retry sends it all again. */
const MAX_NUMBERS = 1 << 20;

type RemoteOptions = Pick<RuntimeOptions, 'timeoutMs' | 'endpoints'>;

/**
 * Returns the runtime, once the server has described the model.
 * @throws InferenceError RUNTIME_ENDPOINT_FORBIDDEN, RUNTIME_ENDPOINT_REFUSED, RUNTIME_MODEL_BROKEN, RUNTIME_UNAVAILABLE,
 *   RUNTIME_TIMEOUT, RUNTIME_RESPONSE_BROKEN
 */
export async function openInferenceRuntime(
  declaration: OpenInferenceDeclaration,
  options: RemoteOptions,
  settings: Partial<ClientSettings> = {},
): Promise<ModelRuntime> {
  const client = new EndpointClient(checkEndpoint(declaration.url, options.endpoints), settings);
  try {
    const model = await readMetadata(client, declaration, client.deadline(options.timeoutMs));
    return await LocalRuntime.of(
      new EndpointEngine(client, declaration, options.timeoutMs, model),
      declaration,
    );
  } catch (error) {
    client.close();
    throw error;
  }
}

class EndpointEngine implements Engine {
  readonly backend: string;
  readonly description: ModelDescription;
  readonly takesAnyTensors: boolean;
  private readonly isolation = new RefusalIsolation();
  private requests = 0;

  constructor(
    private readonly client: EndpointClient,
    private readonly declaration: OpenInferenceDeclaration,
    private readonly timeoutMs: number,
    model: ServedModel,
  ) {
    this.backend = model.backend;
    this.description = model.description;
    this.takesAnyTensors = model.description.inputs.length === 0;
  }

  async run(feeds: readonly Feed[], output: string): Promise<ModelOutput> {
    const count = feeds[0]!.shape[0]!;
    const deadline = this.client.deadline(this.timeoutMs);
    const rows = new Rows(count);
    const send = async ({ from, to }: Part): Promise<void> => {
      const id = String(++this.requests);
      const request = inferRequest(
        this.declaration,
        feeds.map((feed) => slice(feed, from, to)),
        output,
        id,
      );
      const answer = await this.client.send(request, deadline);
      rows.put(from, to, parseInferResponse(answer, { output, id, version: this.declaration.version }));
    };
    // A model with a fixed batch size gets exactly that: fewer samples would be refused too.
    if (this.description.inputs.some(({ shape }) => shape[0] !== null)) await send({ from: 0, to: count });
    else await this.isolation.send(partsOf(feeds, count), send);
    return rows.output();
  }

  dispose(): void {
    this.client.close();
  }
}

/** The output of a batch, put together from parts. */
class Rows {
  private classes = 0;
  private data = new Float64Array(0);

  constructor(private readonly count: number) {}

  put(from: number, to: number, { shape, data }: ModelOutput): void {
    const [rows, classes] = shape;
    if (this.classes === 0 && shape.length === 2) {
      this.classes = classes!;
      this.data = new Float64Array(this.count * classes!);
    }
    if (shape.length !== 2 || rows !== to - from || classes !== this.classes) {
      throw new InferenceError(
        'RUNTIME_OUTPUT_MISMATCH',
        `${to - from} samples must give an output of shape [${to - from}, classes]; it is [${shape.join(', ')}]`,
      );
    }
    this.data.set(data, from * classes);
  }

  output(): ModelOutput {
    return { shape: [this.count, this.classes], data: this.data };
  }
}

function partsOf(feeds: readonly Feed[], count: number): Part[] {
  const numbers = feeds.reduce((total, feed) => total + feed.data.length / count, 0);
  const size = Math.max(1, Math.floor(MAX_NUMBERS / numbers));
  const starts = Array.from({ length: Math.ceil(count / size) }, (_, place) => place * size);
  return starts.map((from) => ({ from, to: Math.min(from + size, count) }));
}

function slice(feed: Feed, from: number, to: number): Feed {
  const [count, ...shape] = feed.shape;
  const row = feed.data.length / count!;
  return {
    ...feed,
    shape: [to - from, ...shape],
    data: feed.data.subarray(from * row, to * row),
  };
}
