import { parentPort } from 'node:worker_threads';
import { invariant } from '@app/errors';

/**
 * Answers the orders that a `ThreadPool` sends to this thread, for as long as the thread lives. A rejected answer ends the
 * thread, and with it the pool.
 */
export function serveOrders<Order, Answer>(answer: (order: Order) => Promise<Answer>): void {
  const port = parentPort;
  invariant(port, 'orders are served in threads');
  port.on('message', (order: Order) => {
    void answer(order).then((given) => port.postMessage(given));
  });
}
