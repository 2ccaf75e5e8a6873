/** The schedule over several daemons and over time that passes while none runs. The clock is the test's. */
import { afterEach, expect, it } from 'vitest';
import { ReverifySchedule } from '../../apps/daemon/src/schedules/reverify.schedule.js';
import { useTestDatabase } from '../support/test-database.js';
import { type TestDaemon, testDaemon } from '../support/test-daemon.js';

const database = useTestDatabase();
const open: TestDaemon[] = [];
afterEach(async () => {
  for (const daemon of open.splice(0)) await daemon.close();
});

let now = new Date('2026-11-20T12:00:00Z');

async function daemonNow(): Promise<{ daemon: TestDaemon; schedule: ReverifySchedule }> {
  const daemon = await testDaemon(database(), {
    clock: () => now,
    settings: { LACUNA_REVERIFY_CRON: '0 3 * * *' },
  });
  open.push(daemon);
  return { daemon, schedule: daemon.daemon.app.get(ReverifySchedule, { strict: false }) };
}

const served = async () => {
  const rows = await database().admin<{ due_at: Date }[]>`
    select due_at from lacuna.schedule_run where schedule = 'reverify' order by due_at`;
  return rows.map(({ due_at: dueAt }) => dueAt.toISOString());
};

it('serves each due time once, by one daemon of several, and what was missed at the next start', async () => {
  const first = await daemonNow();
  const second = await daemonNow();
  expect(await served()).toEqual(['2026-11-20T12:00:00.000Z']);

  now = new Date('2026-11-21T03:00:00Z');
  const answers = await Promise.all([
    first.schedule.serveDue(),
    second.schedule.serveDue(),
    first.schedule.serveDue(),
    second.schedule.serveDue(),
  ]);
  expect(answers.filter((due) => due !== null)).toEqual([now]);
  expect(await served()).toEqual(['2026-11-20T12:00:00.000Z', '2026-11-21T03:00:00.000Z']);

  for (const daemon of open.splice(0)) await daemon.close();
  now = new Date('2026-11-24T18:00:00Z');
  const third = await daemonNow();
  expect(await served()).toEqual([
    '2026-11-20T12:00:00.000Z',
    '2026-11-21T03:00:00.000Z',
    '2026-11-24T03:00:00.000Z',
  ]);
  await expect(third.schedule.serveDue()).resolves.toBeNull();
});

it('an unusable expression keeps the daemon from starting', async () => {
  await expect(testDaemon(database(), { settings: { LACUNA_REVERIFY_CRON: 'often' } })).rejects.toMatchObject(
    {
      code: 'DAEMON_SCHEDULE_INVALID',
    },
  );
});
