/**
 * Starts the process of a model as a host does, gives it a batch that never ends, prints its id, and then waits to be killed.
 * Arguments: main file of the child, then its two requests as JSON.
 */
import { fork } from 'node:child_process';

const [entry, load, hang] = process.argv.slice(2);
const child = fork(entry, [String(process.pid)], {
  serialization: 'advanced',
  stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
});
const { batch, ...request } = JSON.parse(hang);
child.on('message', (reply) => {
  if (reply.type !== 'loaded') process.exit(1);
  const tensors = batch.tensors.map((tensor) => ({ ...tensor, data: Float32Array.from(tensor.data) }));
  const whole = { ...batch, tensors, labels: Int32Array.from(batch.labels) };
  child.send({ ...request, batch: whole }, () => console.log(child.pid));
});
child.send(JSON.parse(load));
