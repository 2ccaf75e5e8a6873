export { CONFIG, ConfigModule } from './config.module.js';
export type { Config } from './config.schema.js';
export { loadConfig } from './load-config.js';
export { settingsTable } from './settings-table.js';
