export { DatabaseModule } from './database.module.js';
export { runProcess } from './run-process.js';
