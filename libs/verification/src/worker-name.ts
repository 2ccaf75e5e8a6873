/** Injection token of the name under which this process computes, kept with each block. */
export const WORKER_NAME = Symbol('WORKER_NAME');
