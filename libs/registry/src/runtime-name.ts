/** The runtime of releases and references that come as recorded signals, so far the only one. */
export const RECORDED_RUNTIME = 'recorded';
