/**
 * Recorded losses in the form of apps/cli/assets/muse-news: one value a line after a header, the same sample at the
 * same line of every file. Splits them as the demo needs it.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CliError } from '../errors.js';
import { readText } from '../read-input.js';

/** The release that never saw the forget set: the calibration set is scored under it and frozen. */
export const TRUSTED_RELEASE = 'retrain';
/** Samples of one deletion request. */
const REQUEST_SIZE = 10;

export interface RecordedRelease {
  readonly name: string;
  /** Average token loss in nats, `[samples]`. */
  readonly losses: Float64Array;
}

export interface Dataset {
  /** Short digest of all numbers: runs on the same data share one model and its idempotency keys. */
  readonly fingerprint: string;
  readonly sampleIds: readonly string[];
  /** True = retained. */
  readonly retained: readonly boolean[];
  readonly original: Float64Array;
  readonly shadow: Float64Array;
  readonly releases: readonly RecordedRelease[];
  /** Line positions: forget samples at odd places, at even places, retained ones. */
  readonly calibration: readonly number[];
  readonly commitments: readonly number[];
  readonly controls: readonly number[];
  /** The commitments in requests of ten consecutive ones. */
  readonly requests: readonly (readonly number[])[];
}

/** @throws CliError `CLI_DATA_UNUSABLE` naming the file and line */
export async function loadDataset(folder: string): Promise<Dataset> {
  const names = releaseNames(folder);
  const shared = (name: string) => readColumn(folder, names[0]!, name);
  const labels = await shared('label');
  const original = await shared('fitRef_nlloss');
  const shadow = await shared('ref_nlloss');
  const releases: RecordedRelease[] = [];
  for (const name of names)
    releases.push({ name, losses: await readValues(fileIn(join(folder, name), 'nlloss')) });
  for (const [name, values] of [
    ['fitRef_nlloss', original],
    ['ref_nlloss', shadow],
    ...releases.map((one) => [one.name, one.losses] as const),
  ] as const) {
    if (values.length !== labels.length)
      throw unusable(`${name} has ${values.length} values, label has ${labels.length}`);
  }
  return split(labels, { original, shadow, releases });
}

function split(labels: Float64Array, signals: Pick<Dataset, 'original' | 'shadow' | 'releases'>): Dataset {
  const retained = [...labels].map((label) => label === 1);
  const places = retained.keys();
  const forget = [...places].filter((index) => !retained[index]);
  const commitments = forget.filter((_index, position) => position % 2 === 0);
  const requests = Array.from({ length: Math.ceil(commitments.length / REQUEST_SIZE) }, (_none, request) =>
    commitments.slice(request * REQUEST_SIZE, (request + 1) * REQUEST_SIZE),
  );
  const hash = createHash('sha256').update(labels);
  for (const values of [signals.original, signals.shadow, ...signals.releases.map((one) => one.losses)])
    hash.update(values);
  return {
    ...signals,
    fingerprint: hash.digest('hex').slice(0, 8),
    sampleIds: retained.map((_label, index) => `chunk-${String(index + 1).padStart(6, '0')}`),
    retained,
    calibration: forget.filter((_index, position) => position % 2 === 1),
    commitments,
    controls: [...retained.keys()].filter((index) => retained[index]),
    requests,
  };
}

function releaseNames(folder: string): string[] {
  if (!existsSync(folder)) throw unusable(`there is no folder ${folder}`);
  const names = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
  if (!names.includes(TRUSTED_RELEASE)) {
    throw unusable(
      `${folder} needs a sub-folder "${TRUSTED_RELEASE}" (the release trained without the forget set)`,
    );
  }
  // The trusted release first, as it would be in a lineage; the rest with the published order kept for the shipped data.
  const order = [TRUSTED_RELEASE, 'refusal', 'negative_label'];
  const rank = (name: string) => (order.includes(name) ? order.indexOf(name) : order.length);
  return names.sort((one, other) => rank(one) - rank(other));
}

function readColumn(folder: string, release: string, name: string): Promise<Float64Array> {
  return readValues(
    existsSync(join(folder, `${name}.txt`)) || existsSync(join(folder, `${name}.txt.gz`))
      ? fileIn(folder, name)
      : fileIn(join(folder, release), name),
  );
}

function fileIn(folder: string, name: string): string {
  const plain = join(folder, `${name}.txt`);
  return existsSync(plain) ? plain : `${plain}.gz`;
}

async function readValues(path: string): Promise<Float64Array> {
  const lines = (await readText(path)).split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  const hasHeader = lines.length > 0 && !Number.isFinite(Number(lines[0]));
  const values = Float64Array.from(hasHeader ? lines.slice(1) : lines, Number);
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0 || values.length === 0)
    throw unusable(`${path} line ${bad + (hasHeader ? 2 : 1)} is not a number`);
  return values;
}

const unusable = (message: string): CliError => new CliError('CLI_DATA_UNUSABLE', message);
