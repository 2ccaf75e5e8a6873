import type { Config } from '@app/config';
import { endpointAccess } from './endpoint/endpoint-access.js';
import type { RuntimeOptions } from './runtime.js';

/** Options of every runtime that a process opens, from its settings. */
export function runtimeOptionsOf(config: Config): RuntimeOptions {
  return {
    timeoutMs: config.LACUNA_INFERENCE_TIMEOUT_MS,
    memoryMb: config.LACUNA_INFERENCE_MEMORY_MB,
    threads: config.LACUNA_INFERENCE_THREADS,
    backends: config.LACUNA_INFERENCE_BACKENDS,
    tfjsNodeDirectory: config.LACUNA_INFERENCE_TFJS_NODE ?? null,
    endpoints: endpointAccess(config.LACUNA_ENDPOINT_HOSTS ?? [], config.LACUNA_ENDPOINT_TOKENS),
  };
}
