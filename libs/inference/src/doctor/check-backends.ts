import { BACKENDS, type Backend, type BackendCheck } from '../backends.js';
import { ModelProcess } from '../isolated/model-process.js';
import { localOptionsOf } from '../local/local-options.js';
import type { RuntimeOptions } from '../runtime.js';

/** A library that has to be compiled or to find a graphics card first takes its time. */
const CHECK_TIMEOUT_MS = 60_000;

/** Checks every backend, each in a process of its own: a driver that crashes is a finding, not the end. */
export async function checkBackends(options: RuntimeOptions): Promise<BackendCheck[]> {
  const checks: BackendCheck[] = [];
  for (const backend of BACKENDS) checks.push(await checkApart(backend, options));
  return checks;
}

async function checkApart(backend: Backend, options: RuntimeOptions): Promise<BackendCheck> {
  const unusable = (detail: string): BackendCheck => ({ backend, usable: false, detail });
  let model: ModelProcess | null = null;
  let timer: NodeJS.Timeout | null = null;
  try {
    return await new Promise<BackendCheck>((resolve) => {
      timer = setTimeout(() => resolve(unusable(`no answer in ${CHECK_TIMEOUT_MS} ms`)), CHECK_TIMEOUT_MS);
      const first = { type: 'check', backend, options: localOptionsOf(options) } as const;
      model = new ModelProcess(first, options, {
        reply: (reply) => resolve(reply.type === 'checked' ? reply.check : unusable('gave no answer')),
        end: (error) => resolve(unusable(error.message)),
      });
    });
  } finally {
    clearTimeout(timer!);
    await (model as ModelProcess | null)?.kill();
  }
}
