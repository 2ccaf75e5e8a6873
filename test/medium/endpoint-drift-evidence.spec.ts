/** What stays of a release whose endpoint drifted: attestations in words, recurrences, and rows that cannot be edited unseen. */
import { auditInstallation } from '@app/audit';
import type { Database } from '@app/persistence';
import { Queue } from '@app/queue';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { editOf } from '../support/column-edits.js';
import type { ServedRelease } from '../support/served-release.js';
import { ALL, NOT_UNLEARNED, SAMPLE, ServedReleases, UNLEARNED } from '../support/served-release.js';
import { tamperedAudit } from '../support/tamper.js';

let releases: ServedReleases;
let served: ServedRelease;
/** Notes and warnings of the attestations, in order: at first, then after each check. */
const notes: string[] = [];
const warnings: (readonly string[])[] = [];

beforeAll(async () => {
  releases = await ServedReleases.prepare();
  served = await releases.open();
  const note = async () => {
    const { artifact, warnings: said } = await served.stated();
    notes.push(artifact.note);
    warnings.push(said);
  };
  const checked = async () => {
    await served.look();
    await served.drain();
    await note();
  };
  await note();
  await checked();
  served.serve(NOT_UNLEARNED);
  await checked();
  await checked();
  served.server.fault = (_request, response) => (response.destroy(), 'handled');
  await served.look();
  await served.worker.run(await served.lastTry());
  // As new payloads have it verified, which makes no check; everything is known.
  const plan = { releaseId: served.releaseId, cause: 'signals' };
  await served.bench.app.get(Queue, { strict: false }).send(served.database.db, 'verification.plan', plan);
  await served.drain();
  await note();
  served.server.fault = null;
});
afterAll(async () => {
  await served.close();
  await releases.close();
});

describe('an attestation', () => {
  it('says when the endpoint answered, and what the last check found', async () => {
    expect((await served.checks()).map(({ outcome }) => outcome)).toEqual([
      'UNREACHABLE',
      'SAME',
      'DIFFERENT',
      'SAME',
    ]);
    for (const note of notes)
      expect(note).toMatch(
        /^The model was asked through an endpoint, .* It answered from \d{4}-.* to \d{4}-/,
      );
    expect(notes[0]).not.toContain('sked again');
    expect(notes[1]).toMatch(/Asked again on \S+Z for 16 known signals, it said the same\.$/);
    expect(notes[2]).not.toContain('sked again');
    expect(notes[3]).toMatch(/Asked again on \S+Z for 16 known signals, it said the same\.$/);
    expect(notes[4]).toMatch(
      /When it was to be asked again on \S+Z, it gave no answer \(RUNTIME_UNAVAILABLE\): whether it still says the same is unknown\.$/,
    );
    // Signals of the new generation are newer.
    const measured = notes.map((note) => /answered from (\S+)/.exec(note)![1]!);
    expect(measured[1]).toBe(measured[0]);
    expect(measured[2]! > measured[1]!).toBe(true);
    expect(new Set(measured.slice(2)).size).toBe(1);
  });

  it('warns from the drift on, and the outcome says by how much', async () => {
    expect(warnings[0]!.join()).not.toContain('has changed');
    expect(warnings[1]!.join()).not.toContain('has changed');
    for (const later of warnings.slice(2))
      expect(later).toContainEqual(
        expect.stringMatching(
          /^What answers behind the endpoint has changed since the release was registered: on \S+Z, \d+ of 16 known signals were others, by up to \d\.\d\d\. All signals here are newer;/,
        ),
      );
    const { verificationId } = await served.newest();
    const { summary } = (await served.bench.results.outcome(verificationId))!;
    expect(summary.warnings).toContain('ENDPOINT_DRIFTED');
    expect(summary.endpointDrift).toMatchObject({ generation: 1, sampled: SAMPLE, errorCode: null });
  });
});

it('what was clean before the drift and is residual after it came back, under one and the same release', async () => {
  const { items } = await served.bench.recurrences.list({ modelId: served.model.modelId }, { first: 100 });
  expect(items).toHaveLength(8);
  const { releaseId } = served;
  for (const recurrence of items)
    expect(recurrence).toMatchObject({
      firstBadRelease: releaseId,
      lastCleanRelease: releaseId,
      unclearReleases: [],
    });
});

it('signals and scores of both generations stay', async () => {
  const blocks = await served.database.admin<{ generation: number; passes: bigint; n: number }[]>`
    select score.generation, sum(score.forward_passes) as passes, count(*)::int as n
    from lacuna.score_block score where release_id = ${served.releaseId} group by 1 order by 1`;
  expect(blocks).toMatchObject([
    { generation: 0, n: 3 },
    { generation: 1, n: 3, passes: BigInt(ALL) },
  ]);
});

/** Of the release's newest signals on the commitments. */
const ofCommitments = (column: string) => `select ${column} from lacuna.signal_block
  where subject_id = (select model_id from lacuna.model)
    and source_digest not in (select artifact_digest from lacuna.reference)
  order by computed_at desc limit 1`;

describe('the audit', () => {
  const audit = async (db: Database) => (await auditInstallation(db, served.bench.keySet)).findings;
  const fieldsAfter = async (statement: string) =>
    (await tamperedAudit(served.database, statement, audit)).map(({ field }) => field);

  it('finds nothing wrong with a release of two generations', async () => {
    expect(await audit(served.database.db)).toEqual([]);
  });

  it('finds an edit of any column of a drift check', async () => {
    const columns = await served.database.admin<{ name: string; type: string }[]>`
      select column_name as name, data_type as type from information_schema.columns
      where table_schema = 'lacuna' and table_name = 'drift_check' order by ordinal_position`;
    for (const { name, type } of columns)
      expect(await fieldsAfter(editOf('drift_check', 'true', name, type)), name).toContain(
        `drift_check.${name}`,
      );
  });

  it.each([
    [
      'a check that is gone',
      `delete from lacuna.drift_check where outcome = 'DIFFERENT'`,
      'drift_check.event_index',
    ],
    [
      'a verification of another generation',
      `update lacuna.verification set generation = 0 where generation = 1`,
      'score_block.scores',
    ],
    [
      'scores of another generation',
      `update lacuna.score_block set generation = 2 where generation = 1 and subject = 'commitments'`,
      'score_block.scores',
    ],
    [
      'signals of the old generation in place of the new ones',
      `update lacuna.signal_block set values = (${ofCommitments('values')} offset 1)
        where ctid = (${ofCommitments('ctid')})`,
      'signal_block.values',
    ],
  ])('finds %s', async (_what, statement, field) => {
    expect(await fieldsAfter(statement)).toContain(field);
  });
});

it('a check that finds the first model again begins another generation', async () => {
  served.serve(UNLEARNED);
  await served.look();
  await served.drain();
  expect(await served.newest()).toMatchObject({ result: 'PASSED', generation: 2 });
  const { items } = await served.bench.timelines.list(served.model.modelId, { first: 1 });
  const requests = await served.bench.timelines.requests(items[0]!, { first: 100 });
  expect(requests.items.map(({ verdict }) => verdict)).toEqual(new Array(8).fill('NO_RESIDUAL_EVIDENCE'));
});
