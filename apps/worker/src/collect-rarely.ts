/**
 * How often a worker collects garbage. Payloads pass through memory outside of V8's heap, and for each few megabytes of them V8
 * marks the whole heap of some 25 MB: a quarter of what a worker's CPU did beside a convolutional network. Here the heap may
 * grow to two and a half times of what was alive; V8 by itself allows between 1.1 and 4 times, as it sees fit.
 */
import { setFlagsFromString } from 'node:v8';

const GROWTH_PERCENT = 150;

export const collectRarely = (): void => setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
