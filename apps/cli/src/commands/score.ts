import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { IamError, scoreBoard, type ScoreBoard, type SignalKind } from '@app/iam';
import { CliError } from '../errors.js';
import { readColumn, type ValueKind } from '../score/column-file.js';
import { boardAsJson, boardAsText } from '../score/score-report.js';
import { plotBoard } from '../score/score-plots.js';

export interface ScoreRequest {
  /** A file, or FILE#column, as every other source here. */
  readonly target: string;
  readonly out: readonly string[];
  readonly in: string;
  readonly label: string;
  readonly kind: SignalKind;
  readonly batch: number;
  readonly json?: true;
  readonly plots?: string;
}

/** @throws CliError for files that cannot be read as numbers; IamError for numbers that cannot be scored */
export async function runScore(request: ScoreRequest): Promise<void> {
  const board = await boardOf(request);
  const plots = request.plots === undefined ? [] : await writePlots(board, request.plots);
  process.stdout.write(
    request.json ? `${boardAsJson(board, { ...request, plots })}\n` : boardAsText(board, { plots }),
  );
}

async function boardOf({ target, out, in: in_, label, kind, batch }: ScoreRequest): Promise<ScoreBoard> {
  const labels = await readColumn(label, 'label');
  const read = async (source: string, as: ValueKind): Promise<Float64Array> => {
    const values = await readColumn(source, as);
    if (values.length === labels.length) return values;
    throw new IamError(
      'IAM_LENGTH_MISMATCH',
      `${source} has ${values.length} values, but ${label} has ${labels.length}: the same line must be the same sample`,
    );
  };
  requireBothClasses(labels, label);
  const shadows = await Promise.all(out.map((source) => read(source, kind)));
  const released = await read(target, kind);
  const before = await read(in_, kind);
  requireScorable(labels, [released, before, ...shadows]);
  return scoreBoard({
    kind,
    target: released,
    out: interleaved(shadows, labels.length),
    shadows: shadows.length,
    in_: before,
    labels,
    batch,
  });
}

/** Of both kinds some sample needs a signal in every file. */
function requireScorable(labels: Float64Array, signals: readonly Float64Array[]): void {
  const scorable = labels.filter((_, i) => signals.every((values) => !Number.isNaN(values[i])));
  requireBothClasses(scorable, 'what is left after the samples without a signal in every file');
}

function requireBothClasses(labels: Float64Array, source: string): void {
  for (const [label, meaning] of [
    [1, 'retained'],
    [0, 'forgotten'],
  ] as const) {
    if (labels.includes(label)) continue;
    throw new IamError(
      'IAM_ONE_CLASS_MISSING',
      `${source} names no ${meaning} sample (${label}): both kinds are needed to tell them apart`,
    );
  }
}

/** Row-major `[samples x shadows]`. */
function interleaved(shadows: readonly Float64Array[], samples: number): Float64Array {
  return Float64Array.from(
    { length: samples * shadows.length },
    (_, i) => shadows[i % shadows.length]![Math.floor(i / shadows.length)]!,
  );
}

/** The paths of the written files. @throws CliError CLI_FOLDER_UNWRITABLE */
async function writePlots(board: ScoreBoard, folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw new CliError('CLI_FOLDER_UNWRITABLE', `${folder} is no folder to write plots to`, { cause });
  });
  const paths: string[] = [];
  for (const { name, svg } of await plotBoard(board)) {
    const path = join(folder, `${name}.svg`);
    await writeFile(path, svg);
    paths.push(path);
  }
  return paths;
}
