import { IsolatedRuntime } from './isolated/isolated-runtime.js';
import type { ModelRuntime, RuntimeOptions, RuntimeSource } from './runtime.js';

/**
 * Opens whatever an artifact declares to be. Model files are run in a process of their own; endpoints are asked from this one.
 * @throws InferenceError with a `RUNTIME_…` code
 */
export async function openRuntime(source: RuntimeSource, options: RuntimeOptions): Promise<ModelRuntime> {
  const { declaration, directory } = source;
  switch (declaration.kind) {
    case 'onnx':
    case 'tfjs':
      return IsolatedRuntime.open({ declaration, directory }, options);
    case 'open-inference': {
      const { openInferenceRuntime } = await import('./open-inference/open-inference-runtime.js');
      return openInferenceRuntime(declaration, options);
    }
    case 'openai-completions': {
      const { CompletionsRuntime } = await import('./openai/completions-runtime.js');
      return CompletionsRuntime.open(declaration, options);
    }
  }
}
