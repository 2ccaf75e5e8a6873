export { type AskedWitness, type AskOptions, askWitness, type CosignRequest } from './ask-witness.js';
export { WitnessError, type WitnessErrorCode } from './errors.js';
export { KnownLogs } from './known-logs.js';
export { parsePublishingPolicy } from './publishing-policy.js';
export { Witness } from './witness.js';
export { startWitnessServer, type WitnessServer } from './witness-server.js';
export { WitnessState } from './witness-state.js';
