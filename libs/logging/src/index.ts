export { createLogger, type LoggerOptions } from './create-logger.js';
export { PinoLoggerService } from './pino-logger.service.js';
export type { Logger } from 'pino';
