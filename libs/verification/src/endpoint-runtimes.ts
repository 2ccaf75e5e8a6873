/** Runtimes that ask an endpoint instead of running files: what answers may change without notice. */
export const ENDPOINT_RUNTIMES: ReadonlySet<string> = new Set(['open-inference', 'openai-completions']);
