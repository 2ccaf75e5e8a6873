import type { Tensorflow } from './tensorflow.js';

/**
 * Makes the wasm backend throw where its memory (4 GiB at most) is full. Without this it would take the failed allocation's
 * null for an address, and answer with whatever lies there.
 */
export function refuseFailedAllocations(tf: Tensorflow): void {
  const { wasm } = tf.backend() as unknown as { readonly wasm: { _malloc(bytes: number): number } };
  const allocate = wasm._malloc.bind(wasm);
  wasm._malloc = (bytes) => {
    const address = allocate(bytes);
    if (address === 0 && bytes > 0) throw new Error('out of memory: the wasm backend has at most 4 GiB');
    return address;
  };
}
