export { auditVault, type VaultFinding } from './audit-vault.js';
export { VaultError, type VaultErrorCode } from './errors.js';
export { newVaultKeyText, vaultKeyFile } from './key-ring.js';
export { type Sample, SEGMENT_WIDTH, type SealedSegment } from './segment.js';
export { openVault, VaultModule } from './vault.module.js';
export { type StoredPart, type StoredPayload, VaultService, type VaultStatus } from './vault.service.js';
