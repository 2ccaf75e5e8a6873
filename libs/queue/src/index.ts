export { QueueError, type QueueErrorCode } from './errors.js';
export { checkQueue, installQueue, type Job, Queue, type QueueHooks, type QueueName } from './queue.js';
export { QueueModule } from './queue.module.js';
