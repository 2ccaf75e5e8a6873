export { createLogger, type LoggerOptions } from './create-logger.js';
export { LOGGER } from './logger-token.js';
export { PinoLoggerService } from './pino-logger.service.js';
export type { Logger } from 'pino';
