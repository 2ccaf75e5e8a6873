/**
 * A live model over the public API, for crash tests: everything up to its frozen profile, then releases that are the same
 * model under another digest, so that every verification of them must find the same numbers, byte for byte.
 */
import type { Sql } from '@app/persistence';
import type { FaultClient } from './fault-client.js';
import { FEATURES, groupIds, sampleLine } from './live.js';
import { type Classifier, denseClassifier } from './models/classifier.js';
import { onnxFile } from './models/write-onnx.js';
import { until } from './until.js';
import { scatter } from './verification.js';

const CALIBRATION = 120;
const CONTROLS = 60;
const REQUEST = 50;
const RECEIVED_AT = '2026-01-15T09:00:00.000Z';

/** What one verification left behind, comparable between releases. */
export interface Remains {
  /** Why samples have no signal, block by block. */
  readonly codes: readonly string[];
  readonly signals: readonly string[];
  readonly scores: readonly string[];
  /** Result leaves without their blinding values. */
  readonly leaves: readonly string[];
  readonly targetPasses: bigint;
  readonly referencePasses: bigint;
  /** As the rows of signals say. */
  readonly passesWritten: number;
  readonly result: string;
}

export class LiveWorkload {
  modelId = '';
  private readonly file: Uint8Array;

  constructor(
    private readonly client: () => FaultClient,
    readonly commitments: number,
    /** Wide enough that a block takes a moment. */
    classifier: Classifier = denseClassifier(7, [FEATURES, 3000, 1500, 4]),
  ) {
    this.file = onnxFile(classifier);
  }

  async prepare(): Promise<void> {
    const client = this.client();
    this.modelId = await client.mutate('registerModel', {
      name: 'live',
      signalKind: 'LOSS',
      idempotencyKey: 'model',
    });
    const { modelId } = this;
    for (const [role, seed] of [
      ['ORIGINAL', 1],
      ['SHADOW', 2],
    ] as const) {
      const artifactDigest = await this.store(onnxFile(denseClassifier(seed, [FEATURES, 4])), 'model.onnx');
      const input = { modelId, role, name: role, artifactDigest, idempotencyKey: role };
      await client.mutate('registerReference', input);
    }
    const calibration = groupIds('calibration', CALIBRATION);
    const controls = groupIds('controls', CONTROLS);
    const committed = groupIds('forget', this.commitments);
    const next = scatter(5);
    const lines = [
      ...calibration.map((id, i) => sampleLine('calibration', id, i, next())),
      ...controls.map((id, i) => sampleLine('controls', id, i, next())),
      ...committed.map((id, i) => sampleLine('forget', id, i, next())),
    ];
    const path = `/v1/models/${modelId}/samples`;
    await client.post(path, Buffer.from(lines.join('')), 'application/x-ndjson');
    const calibrationSetId = await client.mutate('registerCalibrationSet', {
      modelId,
      name: 'calibration',
      sampleIds: calibration,
      idempotencyKey: 'calibration',
    });
    const controlsSetId = await client.mutate('registerControls', {
      modelId,
      name: 'controls',
      sampleIds: controls,
      idempotencyKey: 'controls',
    });
    for (let from = 0; from < committed.length; from += REQUEST) {
      await client.mutate('fileDeletionRequest', {
        subject: `subject-${from}`,
        regime: 'GDPR',
        receivedAt: RECEIVED_AT,
        samples: committed.slice(from, from + REQUEST).map((sampleId) => ({ modelId, sampleId })),
        idempotencyKey: `request-${from}`,
      });
    }
    const profile = { calibrationSetId, controlsSetId, resamples: 199, idempotencyKey: 'profile' };
    await client.mutate('freezeProfile', { modelId, ...profile });
  }

  /** Registers the same model under another digest, which has it verified. @returns the release */
  async release(number: number): Promise<string> {
    const artifactDigest = await this.store(this.file, `model-${number}.onnx`);
    return this.client().mutate('registerRelease', {
      modelId: this.modelId,
      name: `release ${number}`,
      artifactDigest,
      idempotencyKey: `release-${number}`,
    });
  }

  /** Registers what an endpoint answers for. */
  async releaseBehind(
    declaration: Readonly<Record<string, string>>,
  ): Promise<{ readonly releaseId: string; readonly artifactDigest: string }> {
    const body = Buffer.from(JSON.stringify(declaration));
    const { artifactDigest } = await this.client().post<{ artifactDigest: string }>(
      '/v1/artifacts',
      body,
      'application/json',
    );
    const input = { modelId: this.modelId, name: 'served', artifactDigest, idempotencyKey: 'served' };
    return { releaseId: await this.client().mutate('registerRelease', input), artifactDigest };
  }

  private async store(file: Uint8Array, entry: string): Promise<string> {
    const path = `/v1/artifacts?kind=onnx&entry=${entry}&outputForm=logits`;
    const type = 'application/octet-stream';
    return (await this.client().post<{ artifactDigest: string }>(path, file, type)).artifactDigest;
  }
}

/** As {@link remainsOf}, once there is an attested verification; the database may be away in between. */
export async function attestedRemains(sql: Sql, releaseId: string, timeoutMs: number): Promise<Remains> {
  let remains: Remains | null = null;
  await until(async () => {
    remains = await remainsOf(sql, releaseId).catch(() => null);
    return remains !== null;
  }, timeoutMs);
  return remains!;
}

/** What one verification left otherwise than another, a short line for each kind of thing. */
export function differences(remains: Remains, expected: Remains): string[] {
  return (Object.keys(expected) as (keyof Remains)[]).flatMap((kind) => {
    const [left, right] = [remains[kind], expected[kind]].map((found) =>
      Array.isArray(found) ? found.map(String) : [String(found)],
    ) as [string[], string[]];
    const count = Math.max(left.length, right.length);
    const others = Array.from({ length: count }, (_, i) => i).filter((i) => left[i] !== right[i]);
    if (others.length === 0) return [];
    const first = others[0]!;
    return [
      `${kind}: ${others.length} of ${count} differ, first number ${first}: ${excerpts(left[first], right[first])}`,
    ];
  });
}

const EXCERPT = 40;

/** From a little before the place where they part. */
function excerpts(left = 'nothing', right = 'nothing'): string {
  let at = 0;
  while (left[at] === right[at]) at += 1;
  const from = Math.max(0, at - EXCERPT / 2);
  const cut = (text: string): string => `"${text.slice(from, from + EXCERPT)}"`;
  return `from character ${from} on ${cut(left)} instead of ${cut(right)}`;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** What the newest attested verification of the release left behind; null while there is none. */
async function remainsOf(sql: Sql, releaseId: string): Promise<Remains | null> {
  const [row] = await sql<
    { verification_id: string; target_passes: bigint; reference_passes: bigint; result: string }[]
  >`select v.verification_id, p.target_passes, p.reference_passes, o.result
    from verification v join verification_progress p using (verification_id)
    join verification_outcome o using (verification_id)
    where v.release_id = ${releaseId} and p.status = 'ATTESTED'
    order by v.requested_at desc limit 1`;
  if (!row) return null;
  const signals = await sql<
    {
      subject_id: string;
      block_index: number;
      values: Uint8Array;
      reasons: Readonly<Record<string, unknown>>;
      forward_passes: number;
    }[]
  >`select subject_id, block_index, values, reasons, forward_passes from signal_block
    where source_digest = (select artifact_digest from release where release_id = ${releaseId})
    order by subject_id, block_index, width`;
  const scores = await sql<{ subject: string; block_index: number; width: number; scores: Uint8Array }[]>`
    select subject, block_index, width, scores from score_block where release_id = ${releaseId}
    order by subject, block_index, width`;
  const leaves = await sql<{ leaves: string }[]>`
    select leaves from result_block where verification_id = ${row.verification_id} order by block_index`;
  return {
    codes: signals.flatMap(({ block_index, reasons }) =>
      Object.keys(reasons).map((code) => `block ${block_index}: ${code}`),
    ),
    signals: signals.map((block) => `${block.subject_id} ${block.block_index} ${hex(block.values)}`),
    scores: scores.map((block) => `${block.subject} ${block.block_index} ${hex(block.scores)}`),
    leaves: leaves.map((block) => block.leaves.replace(/"blind":"[^"]*",/g, '')),
    targetPasses: row.target_passes,
    referencePasses: row.reference_passes,
    passesWritten: signals.reduce((sum, block) => sum + block.forward_passes, 0),
    result: row.result,
  };
}
