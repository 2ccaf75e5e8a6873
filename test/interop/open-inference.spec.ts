/**
 * The conformance suite of all runtimes against real servers of the Open Inference Protocol: MLServer (JSON), KServe's
 * own server and Triton (JSON and binary), each over onnxruntime and the weights that every other runtime is tested with.
 * test/interop/README.md says how to install them; without one its part is skipped.
 */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endpointAccess, type ModelRuntime, openRuntime } from '@app/inference';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Classifier } from '../support/models/classifier.js';
import { onnxFile } from '../support/models/write-onnx.js';
import {
  batchOf,
  CONFORMANCE_MLP as MLP,
  describeRuntimeConformance,
  samplesOf,
} from '../support/runtime-conformance.js';
import { runtimeOptions } from '../support/runtime-options.js';
import { environmentOf, freePort, InferenceServer, SERVERS } from './servers/inference-server.js';

const BATCH = batchOf(MLP, samplesOf(MLP, 3), [0, 1, 2]);
type OutputForm = 'logits' | 'probabilities';

/** A server that loads the models of a folder when told to ("Model Repository Extension"). */
abstract class Repository {
  protected readonly folder = mkdtempSync(join(tmpdir(), 'lacuna-models-'));
  private server: InferenceServer | null = null;
  private models = 0;

  abstract describeModel(name: string, classifier: Classifier): void;
  abstract launch(port: number): Promise<InferenceServer>;

  async load({ url }: InferenceServer, name: string): Promise<void> {
    await fetch(`${url}/v2/repository/models/${name}/load`, { method: 'POST' });
  }

  async start(): Promise<void> {
    this.write('first', MLP, onnxFile(MLP));
    this.server = await this.launch(await freePort());
  }

  async stop(): Promise<void> {
    await this.server?.stop();
    rmSync(this.folder, { recursive: true });
  }

  /** Opens a classifier under a new name, which `prefix` begins. */
  async open(
    encoding: 'json' | 'binary',
    classifier: Classifier,
    outputForm: OutputForm,
    prefix = 'model',
    changes: { file?: Uint8Array; timeoutMs?: number } = {},
  ): Promise<ModelRuntime> {
    const name = `${prefix}-${++this.models}`;
    this.write(name, classifier, changes.file ?? onnxFile(classifier));
    await this.load(this.server!, name);
    const url = this.server!.url;
    return openRuntime(
      {
        declaration: {
          kind: 'open-inference',
          url,
          model: name,
          version: null,
          output: null,
          outputForm,
          encoding,
        },
        directory: null,
      },
      runtimeOptions({
        timeoutMs: changes.timeoutMs ?? 60_000,
        endpoints: endpointAccess(['127.0.0.1'], undefined),
      }),
    );
  }

  private write(name: string, classifier: Classifier, file: Uint8Array): void {
    mkdirSync(join(this.folder, name));
    writeFileSync(join(this.folder, name, 'model.onnx'), file);
    this.describeModel(name, classifier);
  }
}

class MlServer extends Repository {
  constructor(private readonly environment: string) {
    super();
  }

  describeModel(name: string, classifier: Classifier): void {
    const settings = {
      name,
      implementation: 'mlserver_model.OnnxModel',
      platform: 'onnx_onnxv1',
      parameters: { uri: join(this.folder, name, 'model.onnx') },
      inputs: [{ name: 'input', datatype: 'FP32', shape: [-1, ...classifier.inputShape] }],
      outputs: [{ name: 'output', datatype: 'FP32', shape: [-1, classifier.classes] }],
    };
    writeFileSync(join(this.folder, name, 'model-settings.json'), JSON.stringify(settings));
  }

  async launch(port: number): Promise<InferenceServer> {
    const ports = { http_port: port, grpc_port: await freePort(), metrics_port: await freePort() };
    const settings = { host: '127.0.0.1', ...ports, parallel_workers: 0, debug: false };
    writeFileSync(join(this.folder, 'settings.json'), JSON.stringify(settings));
    for (const file of ['mlserver_model.py', 'behaviour.py'])
      copyFileSync(join(SERVERS, file), join(this.folder, file));
    const command = join(this.environment, 'bin', 'mlserver');
    return InferenceServer.start(command, ['start', '.'], {
      port,
      ready: '/v2/health/ready',
      cwd: this.folder,
    });
  }
}

class KServe extends Repository {
  constructor(private readonly environment: string) {
    super();
  }

  /** The server asks the file. */
  describeModel(): void {}

  launch(port: number): Promise<InferenceServer> {
    const command = join(this.environment, 'bin', 'python');
    const args = [join(SERVERS, 'kserve_server.py'), String(port), this.folder, 'first'];
    return InferenceServer.start(command, args, { port, ready: '/v2/health/ready' });
  }
}

/** As PyTriton brings it; takes no more than four samples in a request. */
class Triton extends Repository {
  constructor(private readonly environment: string) {
    super();
  }

  describeModel(name: string, { inputShape, classes }: Classifier): void {
    const shapes = { input: inputShape, output: [classes] };
    writeFileSync(join(this.folder, name, 'shapes.json'), JSON.stringify(shapes));
  }

  launch(port: number): Promise<InferenceServer> {
    const command = join(this.environment, 'bin', 'python');
    const args = [join(SERVERS, 'triton_server.py'), String(port), this.folder];
    return InferenceServer.start(command, args, { port, ready: '/v2/health/ready' });
  }

  override load(server: InferenceServer, name: string): Promise<void> {
    return server.tell(name, `done with ${name};`);
  }
}

const mlserver = environmentOf('mlserver');
const kserve = environmentOf('kserve');
const triton = environmentOf('triton');

describe.each([
  ['MLServer', mlserver, MlServer, ['json'], /^open-inference endpoint \(mlserver 1\.\S+; onnx_onnxv1\)$/],
  ['KServe', kserve, KServe, ['binary', 'json'], /^open-inference endpoint \(kserve 0\.\S+\)$/],
  [
    'Triton',
    triton,
    Triton,
    ['binary', 'json'],
    /^open-inference endpoint \(triton 2\.\S+; python; version 1\)$/,
  ],
] as const)('%s', (name, environment, Server, encodings, backend) => {
  describe.skipIf(environment === null)('real server', () => {
    let server: Repository;
    beforeAll(async () => {
      server = new Server(environment!);
      await server.start();
    });
    afterAll(() => server.stop());

    describe.each(encodings)('%s', (encoding) => {
      const asked = async (prefix: string, timeoutMs?: number) => {
        const runtime = await server.open(encoding, MLP, 'logits', prefix, timeoutMs ? { timeoutMs } : {});
        return runtime.signals(BATCH, 'loss').finally(() => runtime.dispose());
      };

      describeRuntimeConformance(`${name}, ${encoding}`, () => ({
        open: (classifier, outputForm) => server.open(encoding, classifier, outputForm),
        backend,
        faults: {
          truncated: {
            provoke: () =>
              server.open(encoding, MLP, 'logits', 'cut', { file: onnxFile(MLP).subarray(0, 200) }),
            code: 'RUNTIME_ENDPOINT_REFUSED',
            retryable: false,
          },
          outOfMemory: {
            provoke: () => asked('eats-memory'),
            code: 'RUNTIME_ENDPOINT_REFUSED',
            retryable: true,
          },
          timeout: { provoke: () => asked('hangs', 500), code: 'RUNTIME_TIMEOUT', retryable: true },
        },
      }));

      it('bears many requests at once', async () => {
        const runtime = await server.open(encoding, MLP, 'logits');
        const alone = await runtime.signals(BATCH, 'loss');
        const together = await Promise.all(Array.from({ length: 50 }, () => runtime.signals(BATCH, 'loss')));
        together.forEach((signals) => expect(signals).toEqual(alone));
        await runtime.dispose();
      });
    });
  });
});
