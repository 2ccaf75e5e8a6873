/**
 * Live models for tests: real ONNX files whose weights are written here, so that what a model remembers is known, and
 * samples for them. Stored and registered as the applications do it.
 */
import { basename } from 'node:path';
import { InferenceError, loadLocalRuntime, type ModelRuntime, type RuntimeSource } from '@app/inference';
import type { Classifier, Dense } from './models/classifier.js';
import { onnxFile } from './models/write-onnx.js';
import { bytesOf } from './registry.js';
import { runtimeOptions } from './runtime-options.js';
import { idsOf, type LiveModels, scatter, type VerificationBench } from './verification.js';

const ACTOR = 'platform:test';
export const FEATURES = 32;
const CLASSES = 4;

/** Runs models in this process and counts the samples that go through each. */
export class CountingRuntimes implements LiveModels {
  readonly models = 3;
  /** Artifacts that cannot be reached for now. */
  readonly away = new Set<string>();
  private readonly counts = new Map<string, number>();

  readonly openRuntime = async ({ declaration, directory }: RuntimeSource): Promise<ModelRuntime> => {
    if (declaration.kind !== 'onnx' || directory === null) throw new Error('only ONNX files are run here');
    const artifactDigest = basename(directory);
    if (this.away.has(artifactDigest)) {
      throw new InferenceError('RUNTIME_UNAVAILABLE', 'away for now', { retryable: true });
    }
    const runtime = await loadLocalRuntime({ declaration, directory }, runtimeOptions());
    const signals = runtime.signals.bind(runtime);
    runtime.signals = (batch, signalKind) => {
      const count = batch.form === 'tensors' ? batch.count : 0;
      this.counts.set(artifactDigest, this.passesOf(artifactDigest) + count);
      return signals(batch, signalKind);
    };
    return runtime;
  };

  passesOf(artifactDigest: string): number {
    return this.counts.get(artifactDigest) ?? 0;
  }
}

/** Groups of samples that a model remembers or not: each has places of its own among the features. */
const GROUPS = { calibration: 0, controls: 1, forget: 2, late: 3 } as const;
export type Group = keyof typeof GROUPS;
const GENERIC = 4;

/** One dense layer: every model knows the classes a little, and the groups it was trained on by heart. */
export function rememberingModel(groups: readonly Group[], strength = 3): Classifier {
  const weights = new Float32Array(FEATURES * CLASSES);
  for (let label = 0; label < CLASSES; label += 1) {
    weights[label * CLASSES + label] = 1;
    for (const group of groups)
      weights[(GENERIC + CLASSES * GROUPS[group] + label) * CLASSES + label] = strength;
  }
  const layer: Dense = {
    kind: 'dense',
    inputs: FEATURES,
    outputs: CLASSES,
    weights,
    bias: new Float32Array(CLASSES),
    relu: false,
  };
  return { inputShape: [FEATURES], layers: [layer], classes: CLASSES, softmax: false };
}

/** What registering a live model needs of an application. */
export type LiveBench = Pick<
  VerificationBench,
  'models' | 'references' | 'sets' | 'releases' | 'artifacts' | 'samples' | 'unique'
>;

/** Stores a model file. @returns its artifact digest */
export async function storeModel(bench: Pick<LiveBench, 'artifacts'>, file: Uint8Array): Promise<string> {
  const declaration = { kind: 'onnx', entry: 'model.onnx', outputForm: 'logits' };
  const upload = { declaration, isArchive: false, storedBy: ACTOR };
  return (await bench.artifacts.storeFiles(bytesOf(file), upload)).artifactDigest;
}

/** A sample of a group as a line of a file of samples. */
export function sampleLine(group: Group, sampleId: string, place: number, noise: number): string {
  const label = place % CLASSES;
  const data = new Array<number>(FEATURES).fill(0);
  data[label] = 0.5 + noise;
  data[GENERIC + CLASSES * GROUPS[group] + label] = 1;
  const inputs = { input: { dtype: 'float32', shape: [FEATURES], data } };
  return `${JSON.stringify({ sampleId, label, inputs })}\n`;
}

export const groupIds = (group: Group, count: number, first = 0): string[] =>
  idsOf(group, first + count).slice(first);

/** Stores samples of a group under seeded noise. */
export async function storeSamples(
  bench: Pick<LiveBench, 'samples'>,
  modelId: string,
  group: Group,
  sampleIds: readonly string[],
): Promise<void> {
  const next = scatter(100 + GROUPS[group]);
  const lines = sampleIds.map((sampleId, place) => sampleLine(group, sampleId, place, next()));
  await bench.samples.store(modelId, bytesOf(lines.join('')));
}

export interface LiveModel {
  readonly modelId: string;
  readonly original: string;
  readonly shadow: string;
  readonly forget: readonly string[];
  /** Registers a release and thereby asks for its verification. @returns its id */
  readonly release: (artifactDigest: string) => Promise<string>;
}

export interface LiveOptions {
  readonly calibration?: number;
  readonly controls?: number;
  readonly forget?: number;
}

/** A model with live references, calibration set and controls, whose samples are stored. */
export async function liveModel(
  bench: LiveBench,
  { calibration = 150, controls = 80, forget = 40 }: LiveOptions = {},
): Promise<LiveModel> {
  const key = () => ({ idempotencyKey: bench.unique('key') });
  const { modelId } = await bench.models.register(
    { name: bench.unique('live'), signalKind: 'loss', ...key() },
    ACTOR,
  );
  const everything = onnxFile(rememberingModel(['calibration', 'controls', 'forget', 'late']));
  const original = await storeModel(bench, everything);
  const shadow = await storeModel(bench, onnxFile(rememberingModel([])));
  for (const [role, artifactDigest] of [
    ['original', original],
    ['shadow', shadow],
  ] as const) {
    await bench.references.register({ modelId, role, name: role, artifactDigest, ...key() }, ACTOR);
  }
  for (const [role, count] of [
    ['calibration', calibration],
    ['controls', controls],
  ] as const) {
    const sampleIds = groupIds(role, count);
    await storeSamples(bench, modelId, role, sampleIds);
    await bench.sets.register({ modelId, role, name: role, sampleIds, ...key() }, ACTOR);
  }
  const forgotten = groupIds('forget', forget);
  await storeSamples(bench, modelId, 'forget', forgotten);
  return {
    modelId,
    original,
    shadow,
    forget: forgotten,
    release: releasingInto(bench, modelId),
  };
}

/** Registers releases of a live model through an application. */
export function releasingInto(bench: LiveBench, modelId: string): LiveModel['release'] {
  return async (artifactDigest) => {
    const names = { name: bench.unique('release'), idempotencyKey: bench.unique('key') };
    return (await bench.releases.register({ modelId, artifactDigest, ...names }, ACTOR)).releaseId;
  };
}
