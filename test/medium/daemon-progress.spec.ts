import { randomUUID } from 'node:crypto';
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { type Caller, type TestDaemon, testDaemon } from '../support/test-daemon.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import {
  openVerification,
  openWorker,
  syntheticModel,
  type TestWorker,
  type VerificationBench,
} from '../support/verification.js';

let database: TestDatabase;
let daemon: TestDaemon;
let bench: VerificationBench;
let worker: TestWorker;

beforeAll(async () => {
  database = await testDatabase();
  bench = await openVerification(database);
  worker = await openWorker(database, 'worker');
  daemon = await testDaemon(database);
});

afterAll(async () => {
  await daemon.close();
  await worker.close();
  await bench.close();
  await database.close();
});

interface Update {
  readonly verificationProgress: {
    readonly progress: { readonly status: string; readonly blocksDone: number; readonly samplesDone: string };
    readonly result: string | null;
  };
}

const SUBSCRIPTION = `subscription ($id: ID!) { verificationProgress(verificationId: $id) {
  result progress { status blocksDone blocksTotal samplesDone samplesTotal samplesPerSecond secondsLeft }
} }`;

/** Every update until the daemon completes the subscription; rejects with what it refuses. */
async function updatesOf(
  payload: Record<string, unknown>,
  id: string,
  { query = SUBSCRIPTION, onUpdate = (): unknown => undefined } = {},
): Promise<Update[]> {
  const client = createClient({
    url: `${daemon.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: payload,
    retryAttempts: 0,
  });
  try {
    const updates: Update[] = [];
    for await (const { data, errors } of client.iterate<Update>({ query, variables: { id } })) {
      if (errors) throw new Error(errors.map(({ message }) => message).join());
      updates.push(data!);
      onUpdate();
    }
    return updates;
  } finally {
    await client.dispose();
  }
}

const tokenOf = async (caller: Caller): Promise<Record<string, string>> => daemon.headersOf(caller);

/** A planned verification nobody works on yet. */
async function planned(): Promise<string> {
  const model = await syntheticModel(bench);
  for (let i = 0; i < model.forget.length; i += 5)
    await bench.file(model.modelId, model.forget.slice(i, i + 5));
  await bench.freeze(model.modelId);
  await bench.release(model.modelId, model.releaseValues(model.forget));
  const [plan] = await bench.takeJobs('verification.plan');
  await worker.run(plan!);
  return plan!.id;
}

describe('the progress of a verification', () => {
  it('is told now and after every change, to the end', async () => {
    const id = await planned();
    let drained: Promise<unknown> | undefined;
    const updates = await updatesOf(await tokenOf('auditor'), id, {
      onUpdate: () => (drained ??= bench.drain(worker)),
    });
    await drained;
    const states = updates.map(({ verificationProgress: { progress, result } }) => [progress.status, result]);
    expect(states[0]).toEqual(['PLANNED', null]);
    expect(states.at(-1)).toEqual(['ATTESTED', 'PASSED']);
    expect(updates.at(-1)!.verificationProgress.progress).toMatchObject({
      blocksDone: 2,
      samplesDone: '120',
      secondsLeft: 0,
    });
  });

  it('may be watched by every role, and by nobody else', async () => {
    const id = await planned();
    await bench.drain(worker);
    for (const role of ['platform', 'auditor', 'operator'] as const) {
      expect(await updatesOf(await tokenOf(role), id)).toHaveLength(1);
    }
    await expect(updatesOf({}, id)).rejects.toEqual([
      expect.objectContaining({ message: expect.stringContaining('bearer token') as string }),
    ]);
    await expect(updatesOf({ authorization: 'Bearer a.b.c' }, id)).rejects.toBeDefined();
  });

  it('is held to the limits of queries', async () => {
    const id = randomUUID();
    const token = await tokenOf('auditor');
    const unknown = 'subscription ($id: ID!) { verificationProgress(verificationId: $id) { nothing } }';
    await expect(updatesOf(token, id, { query: unknown })).rejects.toEqual([
      expect.objectContaining({ message: expect.stringContaining('nothing') as string }),
    ]);
    const query = 'query ($id: ID!) { verification(id: $id) { id } }';
    await expect(updatesOf(token, id, { query })).rejects.toBeDefined();
  });
});
