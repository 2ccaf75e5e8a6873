/**
 * Main file of the process that runs one model. It has no database, no keys and none of the host's settings; what it is
 * given goes into the model and nowhere else. It ends with its host, however that ends: a thread of its own, which takes the
 * batches in while the model computes, finds their pipe closed then, also where a model hangs and the main thread notices nothing.
 */
import { on } from 'node:events';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import type { ModelRuntime } from '../runtime.js';
import type { Reply, Request } from './protocol.js';

if (isMainThread) await serve();
else await takeBatches();

async function serve(): Promise<void> {
  const batches = on(new Worker(fileURLToPath(import.meta.url)), 'message');
  const { loadLocalRuntime } = await import('../local/load-local-runtime.js');
  const { toWire } = await import('./protocol.js');
  const { batchOf } = await import('./batch-bytes.js');
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
    const { id, batch: head, signalKind } = request;
    try {
      // Asked for before anything else is awaited: bytes come in the order of the requests.
      const batch = head.form === 'tensors' ? batchOf(head, await nextBytes()) : head;
      return { type: 'signals', id, signals: await runtime!.signals(batch, signalKind) };
    } catch (error) {
      return { type: 'failed', id, error: toWire(runFault(error)) };
    }
  }

  async function nextBytes(): Promise<ArrayBuffer> {
    const { value } = (await batches.next()) as { value: [ArrayBuffer] };
    return value[0];
  }
}

async function takeBatches(): Promise<void> {
  const { readAllBytes } = await import('./batch-bytes.js');
  const { BATCH_PIPE } = await import('./protocol.js');
  readAllBytes(BATCH_PIPE, (bytes) => parentPort!.postMessage(bytes, [bytes]));
  process.kill(process.pid, 'SIGKILL');
}
