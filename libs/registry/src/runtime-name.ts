/** The runtime of releases and references that come as recorded signals; of all others it is the kind of their artifact. */
export const RECORDED_RUNTIME = 'recorded';
