import { CodedError } from '@app/errors';
import { checkQueue, Queue } from '@app/queue';
import { afterEach, describe, expect, it } from 'vitest';
import { useTestDatabase } from '../support/test-database.js';

const database = useTestDatabase();
class HopelessError extends CodedError<'HOPELESS'> {}

describe('Queue', () => {
  const open: Queue[] = [];
  const queue = (): Queue => {
    const made = new Queue(database().db);
    open.push(made);
    return made;
  };
  afterEach(async () => {
    await Promise.all(open.splice(0).map((made) => made.stop(1000)));
  });

  it('delivers a job that was enqueued in a committed transaction', async () => {
    const sender = queue();
    const got = new Promise(
      (resolve) =>
        void sender.work('verification.plan', { concurrency: 1 }, (job) =>
          Promise.resolve(resolve(job.data)),
        ),
    );
    await database()
      .db.transaction()
      .execute((tx) => sender.send(tx, 'verification.plan', { releaseId: 'r1' }));
    expect(await got).toEqual({ releaseId: 'r1' });
  });

  it('forgets a job whose transaction rolled back', async () => {
    const sender = queue();
    await expect(
      database()
        .db.transaction()
        .execute(async (tx) => {
          await sender.send(tx, 'verification.conclude', { verificationId: 'v1' });
          throw new Error('rolled back');
        }),
    ).rejects.toThrow('rolled back');
    expect((await sender.depths())['verification.conclude']).toBe(0);
  });

  it('tries again after a passing failure and not after a hopeless one', async () => {
    const failures: boolean[] = [];
    const made = new Queue(database().db, {
      onFailure: (_name, _id, _error, final) => failures.push(final),
    });
    open.push(made);
    let attempts = 0;
    const settled = new Promise<void>((resolve) => {
      void made.work<{ kind: string }>('verification.block', { concurrency: 1 }, (job) => {
        if (job.data.kind === 'hopeless') throw new HopelessError('HOPELESS', 'never');
        attempts += 1;
        if (attempts === 1) throw new Error('passing');
        resolve();
        return Promise.resolve();
      });
    });
    await made.send(database().db, 'verification.block', { kind: 'hopeless' }, { priority: 1 });
    await made.send(database().db, 'verification.block', { kind: 'passing' });
    await settled;
    expect(attempts).toBe(2);
    expect(failures).toEqual([true, false]);
  });
});

it('can be started again once the queues are there', async () => {
  const { admin, db } = database();
  const queue = new Queue(db);
  await admin`update pgboss.version set version = version - 1`;
  await expect(queue.start()).rejects.toMatchObject({ code: 'QUEUE_SCHEMA_OLDER', retryable: true });
  await admin`update pgboss.version set version = version + 1`;
  await queue.start();
  expect(await queue.deadLetters()).toBeGreaterThanOrEqual(0);
  await queue.stop(1000);
});

describe('checkQueue', () => {
  const changed = async (statement: string): Promise<string> => {
    const { admin } = database();
    let code = 'none';
    const undone = admin.begin(async (tx) => {
      await tx.unsafe(statement);
      await checkQueue(tx).catch((error: CodedError) => (code = error.code));
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    return code;
  };

  it.each([
    ['nothing is missing', 'select 1', 'none'],
    [
      'a queue is missing',
      `delete from pgboss.queue where name = 'verification.drift'`,
      'QUEUE_SCHEMA_OLDER',
    ],
    ['pg-boss was older', 'update pgboss.version set version = version - 1', 'QUEUE_SCHEMA_OLDER'],
    ['pg-boss was not there', 'drop table pgboss.version', 'QUEUE_SCHEMA_OLDER'],
    ['pg-boss was newer', 'update pgboss.version set version = version + 1', 'QUEUE_SCHEMA_NEWER'],
  ])('says so where %s', async (_what, statement, code) => {
    expect(await changed(statement)).toBe(code);
  });
});
