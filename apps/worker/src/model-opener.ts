/** How this worker runs live models, as its settings say. */
import type { Config } from '@app/config';
import {
  BACKENDS,
  CompletionsRuntime,
  endpointAccess,
  loadLocalRuntime,
  type ModelRuntime,
  openInferenceRuntime,
  type RuntimeOptions,
  type RuntimeSource,
} from '@app/inference';

export function modelOpener(config: Config): (source: RuntimeSource) => Promise<ModelRuntime> {
  const options: RuntimeOptions = {
    timeoutMs: 60_000,
    memoryMb: 4096,
    threads: 1,
    backends: BACKENDS,
    tfjsNodeDirectory: null,
    endpoints: endpointAccess(config.LACUNA_ENDPOINT_HOSTS ?? [], config.LACUNA_ENDPOINT_TOKENS),
  };
  return ({ declaration, directory }) => {
    switch (declaration.kind) {
      case 'open-inference':
        return openInferenceRuntime(declaration, options);
      case 'openai-completions':
        return CompletionsRuntime.open(declaration, options);
      default:
        return loadLocalRuntime({ declaration, directory }, options);
    }
  };
}
