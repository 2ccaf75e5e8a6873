export { type AccessPolicy, isLoopback, openAccessPolicy } from './access-policy.js';
export { AccessError } from './errors.js';
export { mintLocalToken, type TokenOrder } from './local-issuer.js';
export { isRole, type Principal, type Role, ROLES } from './roles.js';
export { readOrCreateSecret } from './secret-file.js';
