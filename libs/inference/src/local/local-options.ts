import type { RuntimeOptions } from '../runtime.js';

/** The options that a model file is loaded with; limits are kept by the host, and endpoints are none of its business. */
export type LocalOptions = Pick<RuntimeOptions, 'threads' | 'backends' | 'tfjsNodeDirectory'>;

export const localOptionsOf = ({ threads, backends, tfjsNodeDirectory }: RuntimeOptions): LocalOptions => ({
  threads,
  backends,
  tfjsNodeDirectory,
});
