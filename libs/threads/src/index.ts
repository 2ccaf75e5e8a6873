export { compiledThread } from './compiled-thread.js';
export { serveOrders } from './serve-orders.js';
export { ThreadPool, type ThreadPoolOptions } from './thread-pool.js';
