export { CONFIG, ConfigModule } from './config.module.js';
export { type Config, settings } from './config.schema.js';
export { ConfigError } from './errors.js';
export { loadConfig } from './load-config.js';
