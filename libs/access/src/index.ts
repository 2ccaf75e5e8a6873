export { type AccessPolicy, openAccessPolicy } from './access-policy.js';
export { AccessError } from './errors.js';
export { mintLocalToken, type TokenOrder } from './local-issuer.js';
export { type Principal, type Role, ROLES } from './roles.js';
export { readOrCreateSecret } from './secret-file.js';
