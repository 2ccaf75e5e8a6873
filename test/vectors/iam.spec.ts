/** libs/iam against the reference's outputs, and the checker against folders that are incomplete or wrong. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { scoreBoard, type ScoreBoard } from '@app/iam';
import { checkFolder } from './check-iam.js';

const VECTORS = join(import.meta.dirname, 'iam');

describe('the vectors of the reference', () => {
  const { families, missing } = checkFolder(VECTORS, true);

  it('are all there', () => {
    expect(missing).toEqual([]);
    expect(families.length).toBe(93);
    expect(families.reduce((sum, { compared }) => sum + compared, 0)).toBeGreaterThan(230_000);
  });

  it.each(families)('$family within $tolerance', ({ deviation, tolerance }) => {
    expect(deviation).toBeLessThanOrEqual(tolerance);
  });
});

describe('the checker', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'iam-vectors-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });
  const copy = (...names: string[]) => {
    for (const name of names) cpSync(join(VECTORS, 'c10', name), join(folder, name));
  };

  it('names absent files, checks the rest, and reads unpacked files', () => {
    copy('ori_logits.npy.gz', 'unl_logits.npy.gz', 'shadow_logits.npy.gz', 'signals.json.gz');
    const meta = gunzipSync(readFileSync(join(VECTORS, 'c10', 'meta.json.gz')));
    writeFileSync(join(folder, 'meta.json'), meta);
    const { families, missing } = checkFolder(folder);
    expect(families.length).toBe(20);
    expect(families.every(({ withinTolerance }) => withinTolerance)).toBe(true);
    expect(missing).toContain(join(folder, 'iam_grid.json'));
    expect(missing).toContain(join(folder, 'ref_unl_logits.npy'));
  });

  it('finds nothing in an empty folder, and does not fall over', () => {
    expect(checkFolder(folder).families).toEqual([]);
  });

  it('catches one changed number', () => {
    copy('ori_logits.npy.gz', 'unl_logits.npy.gz', 'shadow_logits.npy.gz', 'meta.json.gz');
    const packed = readFileSync(join(VECTORS, 'c10', 'signals.json.gz'));
    const signals = JSON.parse(gunzipSync(packed).toString()) as { f64: { unl: { ce_loss: number[] } } };
    signals.f64.unl.ce_loss[17]! += 1e-7;
    writeFileSync(join(folder, 'signals.json'), JSON.stringify(signals));
    const wrong = checkFolder(folder).families.filter(({ withinTolerance }) => !withinTolerance);
    expect(wrong.map(({ family }) => family.replace(/^\S+ /, ''))).toEqual(['signal ce_loss f64']);
  });
});

/** Published AUCs of the MUSE-News logs, and TPR at FPR 0.1 of the same tables; balanced bootstrap, +-0.005. */
const PUBLISHED = {
  retrain: { loss: 0.8748, ratio: 0.9125, ratio_online: 0.9298, iam_batch: 0.9355 },
  refusal: { loss: 0.431, ratio: 0.425, ratio_online: 0.4277, iam_batch: 0.4669 },
  negative_label: { loss: 0.4207, ratio: 0.4149, ratio_online: 0.4166, iam_batch: 0.4348 },
} as const;

describe('real losses of three releases (MUSE-News)', () => {
  const assets = join(import.meta.dirname, '../../apps/cli/assets/muse-news');
  const column = (name: string) =>
    Float64Array.from(
      gunzipSync(readFileSync(join(assets, `${name}.txt.gz`)))
        .toString()
        .trim()
        .split('\n')
        .slice(1),
      Number,
    );
  const boards = Object.fromEntries(
    Object.keys(PUBLISHED).map((release): [string, ScoreBoard] => [
      release,
      scoreBoard({
        kind: 'loss',
        target: column(`${release}/nlloss`),
        out: column('ref_nlloss'),
        in_: column('fitRef_nlloss'),
        shadows: 1,
        labels: column('label'),
        resamples: 100,
      }),
    ]),
  );

  it.each(Object.entries(PUBLISHED))('%s: published AUCs within 0.002', (release, published) => {
    const { auc, rows, scored, retained } = boards[release]!;
    expect([scored, retained]).toEqual([7753, 5142]);
    for (const [name, figure] of Object.entries(published)) {
      expect(Math.abs(auc[name]! - figure)).toBeLessThanOrEqual(0.002);
      expect(rows[name]!.aucInterval.low).toBeLessThan(figure);
      expect(rows[name]!.aucInterval.high).toBeGreaterThan(figure);
    }
    expect(auc['lira_online']).toBe(auc['ratio_online']);
    expect(Math.abs(auc['iam_whole']! - auc['iam_frozen']!)).toBeLessThan(1e-5);
  });

  it('retrain: IAM tells most samples apart, at a low false-positive rate too', () => {
    const { tpr } = boards['retrain']!;
    expect(Math.abs(tpr['iam_batch']!['0.1']! - 0.8552)).toBeLessThanOrEqual(0.002);
    expect(tpr['iam_batch']!['0.01']!).toBeGreaterThan(tpr['ratio_online']!['0.01']!);
  });
});
