/**
 * Main file of the process that runs one model. It has no database, no keys and none of the host's settings; what it is
 * given goes into the model and nowhere else. It ends with its host, however that ends: a thread of its own looks for that,
 * because a model that hangs keeps the main thread from noticing anything.
 */
import { fileURLToPath } from 'node:url';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import type { ModelRuntime } from '../runtime.js';
import type { Reply, Request } from './protocol.js';

/** How long a child may outlive a killed host. */
const HOST_CHECK_MS = 250;

if (isMainThread) await serve(Number(process.argv[2]));
else watchHost(workerData as number);

async function serve(host: number): Promise<void> {
  process.on('disconnect', () => process.exit(0));
  new Worker(fileURLToPath(import.meta.url), { workerData: host }).unref();
  const { loadLocalRuntime } = await import('../local/load-local-runtime.js');
  const { toWire } = await import('./protocol.js');
  const { runFault } = await import('../local/model-fault.js');
  let runtime: ModelRuntime | null = null;
  process.on('message', (request: Request) => {
    void answer(request).then((reply) => process.send!(reply));
  });

  async function answer(request: Request): Promise<Reply> {
    if (request.type === 'load') {
      try {
        runtime = await loadLocalRuntime(request.source, request.options);
        return { type: 'loaded', backend: runtime.backend, description: runtime.describe() };
      } catch (error) {
        return { type: 'notLoaded', error: toWire(runFault(error)) };
      }
    }
    if (request.type === 'check') {
      const { checkBackend } = await import('../local/check-backend.js');
      return { type: 'checked', check: await checkBackend(request.backend, request.options) };
    }
    const { id, batch, signalKind } = request;
    try {
      return { type: 'signals', id, signals: await runtime!.signals(batch, signalKind) };
    } catch (error) {
      return { type: 'failed', id, error: toWire(runFault(error)) };
    }
  }
}

function watchHost(host: number): void {
  setInterval(() => {
    if (process.ppid !== host) process.kill(process.pid, 'SIGKILL');
  }, HOST_CHECK_MS);
}
