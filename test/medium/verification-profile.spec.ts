import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FreezeProfile, profileWarnings } from '@app/verification';
import { testDatabase, type TestDatabase } from '../support/test-database.js';
import {
  openVerification,
  type SyntheticOptions,
  syntheticModel,
  type VerificationBench,
} from '../support/verification.js';

let database: TestDatabase;
let bench: VerificationBench;

beforeAll(async () => {
  database = await testDatabase();
  bench = await openVerification(database);
});

afterAll(async () => {
  await bench.close();
  await database.close();
});

const profilesOf = async (modelId: string) => (await bench.profiles.list(modelId, { first: 10 })).items;

describe('freezing a profile', () => {
  it('keeps everything that turns signals into verdicts under one digest, in the event log', async () => {
    const { modelId } = await syntheticModel(bench);
    const profileId = await bench.freeze(modelId);
    const profile = await bench.profiles.get(profileId);
    const { document, scale } = profile;
    expect(document.calibration).toMatchObject({
      mode: 'frozen',
      size: 150,
      trustedUnder: 'a retrained release',
    });
    const scores = document.calibration.mode === 'frozen' ? document.calibration.scores : [];
    expect(scores).toHaveLength(150);
    expect([...scores].sort((a, b) => a - b)).toEqual(scores);
    expect(document.references).toMatchObject({
      original: { name: 'original' },
      shadows: [{ name: 'shadow' }],
    });
    expect(scale.samples).toBe(230);
    expect(scale.sigma).toHaveLength(19);
    const event = await bench.ledger.event((await profilesOf(modelId))[0]!.eventIndex);
    expect(JSON.parse(event.content)).toMatchObject({
      type: 'profile-frozen',
      profileId,
      digest: profile.digest,
    });
    expect(await bench.profiles.current(modelId)).toMatchObject({ profileId, ordinal: 0 });
  });

  it('says how well the original knows both sets, and warns where it never saw the calibration set', async () => {
    const frozen = async (options: SyntheticOptions, overrides?: Partial<FreezeProfile>) => {
      const { modelId } = await syntheticModel(bench, options);
      return (await bench.profiles.get(await bench.freeze(modelId, overrides))).document;
    };
    const sound = await frozen({});
    expect(sound.separation).toEqual({
      calibration: { known: 150, samples: 150 },
      controls: { known: 80, samples: 80 },
    });
    expect(profileWarnings(sound)).toEqual([]);
    const probabilities = await frozen({ signalKind: 'probability' });
    expect(probabilities.separation).toEqual(sound.separation);
    const unknown = await frozen({ calibrationUnknown: true });
    expect(unknown.separation!.controls).toEqual(sound.separation!.controls);
    expect(profileWarnings(unknown)).toEqual(['CALIBRATION_UNKNOWN_TO_ORIGINAL']);
    // Offline, the original is not asked about single samples.
    const offline = await frozen(
      { calibrationUnknown: true, signalKind: 'probability' },
      { mode: 'offline' },
    );
    expect(offline.separation).toBeUndefined();
    expect(profileWarnings(offline)).toEqual([]);
  });

  it('answers the same key with the same profile, and another content under it with an error', async () => {
    const { modelId } = await syntheticModel(bench);
    const idempotencyKey = bench.unique('key');
    const first = await bench.freeze(modelId, { idempotencyKey });
    expect(await bench.freeze(modelId, { idempotencyKey })).toBe(first);
    await expect(bench.freeze(modelId, { idempotencyKey, q: 0.1 })).rejects.toMatchObject({
      code: 'LEDGER_IDEMPOTENCY_CONFLICT',
    });
    expect(await profilesOf(modelId)).toHaveLength(1);
  });

  it('refuses the very same profile under another key', async () => {
    const { modelId } = await syntheticModel(bench);
    const profileId = await bench.freeze(modelId);
    await expect(bench.freeze(modelId)).rejects.toMatchObject({
      code: 'VERIFICATION_PROFILE_EXISTS',
      details: { profileId },
    });
    await bench.freeze(modelId, { q: 0.1 });
    expect((await profilesOf(modelId)).map(({ ordinal }) => ordinal)).toEqual([0, 1]);
  });

  it('measures the current release anew under a new profile', async () => {
    const model = await syntheticModel(bench);
    await bench.freeze(model.modelId);
    const releaseId = await bench.release(model.modelId, model.releaseValues([]));
    await bench.takeJobs();
    await database.admin`insert into lacuna.verification
      select gen_random_uuid(), ${releaseId}, profile_id, 0, 'release', now(), 0 from lacuna.profile
      where model_id = ${model.modelId}`;
    await bench.freeze(model.modelId, { alpha: 0.05 });
    expect((await bench.takeJobs()).map(({ name, data }) => ({ name, data }))).toEqual([
      { name: 'verification.plan', data: { releaseId, cause: 'operator' } },
    ]);
  });

  it.each([
    [
      'a calibration set too small for its alpha',
      { alpha: 0.001 },
      'IAM_CALIBRATION_TOO_SMALL',
      { have: 150, need: 999 },
    ],
    ['an alpha of 1', { alpha: 1 }, 'VERIFICATION_POLICY_OUT_OF_RANGE', { setting: 'alpha' }],
    ['a NaN q', { q: NaN }, 'VERIFICATION_POLICY_OUT_OF_RANGE', { setting: 'q' }],
    [
      'a power floor above 1',
      { powerFloor: 1.1 },
      'VERIFICATION_POLICY_OUT_OF_RANGE',
      { setting: 'powerFloor' },
    ],
    ['no draws', { resamples: 0 }, 'VERIFICATION_POLICY_OUT_OF_RANGE', { setting: 'resamples' }],
    ['offline losses', { mode: 'offline' }, 'VERIFICATION_POLICY_OUT_OF_RANGE', { setting: 'mode' }],
    ['one level', { levels: 1 }, 'IAM_PARAMETER_OUT_OF_RANGE', { levels: 1 }],
    ['no shadow', { shadowReferenceIds: [] }, 'VERIFICATION_REFERENCE_MISSING', {}],
    [
      'a set of another role',
      { controlsSetId: 'calibration' },
      'VERIFICATION_SET_UNKNOWN',
      { role: 'controls' },
    ],
    [
      'a model nobody knows',
      { modelId: '00000000-0000-4000-8000-000000000000' },
      'VERIFICATION_MODEL_UNKNOWN',
      {},
    ],
  ] as const)('refuses %s', async (_case, overrides, code, details) => {
    const { modelId } = await syntheticModel(bench);
    const sets = (await bench.sets.list(modelId, { first: 5 })).items;
    const idOf = (role: string) => sets.find((set) => set.role === role)!.sampleSetId;
    const wrongSet = 'controlsSetId' in overrides ? { controlsSetId: idOf('calibration') } : {};
    await expect(
      bench.freeze(modelId, {
        calibrationSetId: idOf('calibration'),
        controlsSetId: idOf('controls'),
        ...overrides,
        ...wrongSet,
      }),
    ).rejects.toMatchObject({ code, details });
    expect(await profilesOf(modelId)).toEqual([]);
  });

  it('refuses controls without reference signals, and says how many, not which', async () => {
    const { modelId } = await syntheticModel(bench);
    const { sampleSetId } = await bench.sets.register(
      {
        modelId,
        role: 'controls',
        name: 'unheard of',
        sampleIds: ['person-1', 'person-2', 'control-00001'],
        idempotencyKey: bench.unique('key'),
      },
      'platform:test',
    );
    const refusal = await bench
      .freeze(modelId, { controlsSetId: sampleSetId })
      .catch((error: unknown) => error);
    expect(refusal).toMatchObject({
      code: 'VERIFICATION_SIGNALS_MISSING',
      details: { missing: 2, of: 153, what: 'reference' },
    });
    expect((refusal as Error).message).not.toContain('person');
  });

  it.each<[string, [number | null, number | null], Partial<FreezeProfile>, string, object]>([
    [
      'fewer calibration clusters than alpha needs',
      [98, 30],
      {},
      'IAM_CALIBRATION_TOO_SMALL',
      { have: 98, need: 99 },
    ],
    [
      'fewer clusters of controls than q needs',
      [99, 18],
      {},
      'IAM_CALIBRATION_TOO_SMALL',
      { have: 18, need: 19 },
    ],
    ['controls without clusters', [99, null], {}, 'VERIFICATION_CLUSTERS_MISSING', { role: 'controls' }],
    [
      'fewer calibration samples than any dependence needs',
      [null, null],
      { groupTest: 'any-dependence' },
      'IAM_CALIBRATION_TOO_SMALL',
      { have: 150, need: 199 },
    ],
    [
      'fewer clusters than any dependence needs',
      [120, 39],
      { groupTest: 'any-dependence' },
      'IAM_CALIBRATION_TOO_SMALL',
      { have: 120, need: 199 },
    ],
    [
      'clusters in one set only, for any dependence',
      [99, null],
      { groupTest: 'any-dependence' },
      'VERIFICATION_CLUSTERS_MISSING',
      { role: 'controls' },
    ],
    [
      'clusters that nobody registered',
      [null, null],
      { groupTest: 'whole-clusters' },
      'VERIFICATION_CLUSTERS_MISSING',
      { role: 'calibration' },
    ],
  ])('refuses %s', async (_case, [calibration, controls], overrides, code, details) => {
    const model = await syntheticModel(bench);
    const sets = { calibrationSetId: '', controlsSetId: '' };
    for (const [field, role, sampleIds, count] of [
      ['calibrationSetId', 'calibration', model.calibration, calibration],
      ['controlsSetId', 'controls', model.controls, controls],
    ] as const) {
      const clusters = Array.from({ length: count ?? 0 }, (_cluster, i) => ({
        clusterId: String(i),
        sampleIds: sampleIds.filter((_sample, at) => at % count! === i),
      }));
      const { sampleSetId } = await bench.sets.register(
        {
          modelId: model.modelId,
          role,
          name: `other ${role}`,
          ...(count === null ? { sampleIds: [...sampleIds] } : { clusters }),
          idempotencyKey: bench.unique('key'),
        },
        'platform:test',
      );
      sets[field] = sampleSetId;
    }
    const attempt = bench.freeze(model.modelId, { ...sets, ...overrides });
    await expect(attempt).rejects.toMatchObject({ code, details });
  });

  it('refuses a stored profile that was changed', async () => {
    const { modelId } = await syntheticModel(bench);
    const profileId = await bench.freeze(modelId);
    const other = await openVerification(database);
    await database.admin.begin(async (tx) => {
      await tx`set local lacuna.maintenance = 'on'`;
      await tx`alter table lacuna.profile disable trigger all`;
      await tx`update lacuna.profile set document = replace(document, '"q":0.05', '"q":0.5')
        where profile_id = ${profileId}`;
      await tx`alter table lacuna.profile enable always trigger refuse_change`;
      await tx`alter table lacuna.profile enable always trigger refuse_truncate`;
    });
    await expect(other.profiles.get(profileId)).rejects.toMatchObject({
      code: 'VERIFICATION_PROFILE_CORRUPT',
    });
    await other.close();
  });
});
