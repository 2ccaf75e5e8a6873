export { auditInstallation, type InstallationAudit } from './audit-installation.js';
export {
  type KeptCheckpoints,
  parseKeptCheckpoints,
  readKeptCheckpoints,
  writeKeptCheckpoints,
} from './kept-checkpoints.js';
