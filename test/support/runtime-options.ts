import { BACKENDS, NO_ENDPOINTS, type RuntimeOptions } from '@app/inference';

/** Options of a runtime in a test: one thread, a minute, what there is. */
export function runtimeOptions(overrides: Partial<RuntimeOptions> = {}): RuntimeOptions {
  return {
    timeoutMs: 60_000,
    memoryMb: 4_096,
    threads: 1,
    backends: BACKENDS,
    tfjsNodeDirectory: null,
    endpoints: NO_ENDPOINTS,
    ...overrides,
  };
}
