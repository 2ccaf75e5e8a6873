/** The lifecycle on live models as a person would run it, small: killed while it trains, run again, and once more. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '@app/persistence';
import { afterAll, describe, expect, it } from 'vitest';
import { killProcess, postmasterPid } from '../support/fault-postgres.js';

/** Half a minute on an idle machine. */
const TIMEOUT_MS = 280_000;

const directory = mkdtempSync(join(tmpdir(), 'lacuna-wordnet-'));
afterAll(() => {
  killProcess(postmasterPid(join(directory, 'demo')));
  rmSync(directory, { recursive: true, force: true });
});

interface Report {
  readonly releases: readonly {
    readonly name: string;
    readonly holds: readonly number[] | null;
    readonly result: string;
    readonly auc: number;
    readonly work: { readonly targetPasses: number; readonly referencePasses: number };
    readonly checks: number;
  }[];
  readonly recurrence: {
    readonly truth: readonly number[];
    readonly attested: { readonly found: readonly number[]; readonly precision: number | null };
  };
  readonly scores: readonly {
    readonly score: string;
    readonly releases: readonly { readonly release: string; readonly auc: number }[];
  }[];
}

/** Runs the demo; `killAt`: kills it the first time its progress holds these words. */
function runDemo(killAt?: string): Promise<{ code: number | null; stdout: string; progress: string }> {
  const child = spawn(
    process.execPath,
    [join(projectRoot(), 'apps', 'cli', 'launch.mjs'), 'demo', 'wordnet', '--small', '--exit', '--json'],
    { env: { PATH: process.env['PATH'], LACUNA_DATA_DIR: directory }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let [stdout, progress] = ['', ''];
  child.stdout.on('data', (part: Buffer) => (stdout += part.toString()));
  child.stderr.on('data', (part: Buffer) => {
    progress += part.toString();
    if (killAt !== undefined && progress.includes(killAt)) child.kill('SIGKILL');
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, progress })));
}

describe('npm run demo -- wordnet --small', () => {
  it(
    'trains, verifies by real inference and says what came back; what is there is not done again',
    async () => {
      expect((await runDemo('training no-unlearning: 15 of 15')).code).toBeNull();
      const first = await runDemo();
      expect(first.code, first.progress).toBe(0);
      const report = JSON.parse(first.stdout) as Report;
      const of = (name: string) => report.releases.find((release) => release.name === name)!;
      expect(of('no-unlearning')).toMatchObject({ result: 'FAILED', holds: [...Array(10).keys()] });
      expect(of('retrained').result).not.toBe('FAILED');
      expect(of('retrained').auc).toBeGreaterThan(0.8);
      expect(of('no-unlearning').work).toMatchObject({ targetPasses: 500, referencePasses: 200 });
      for (const name of ['fine-tuned', 'gradient-ascent', 'retrained', 'later-fine-tune'])
        expect(of(name).work).toMatchObject({ targetPasses: 500, referencePasses: 0 });
      expect(report.recurrence.truth).toHaveLength(5);
      expect(report.recurrence.attested.precision).toBe(1);
      expect(report.releases.every(({ checks }) => checks > 10)).toBe(true);
      // The lab's own signals and those that the worker measured lead to the same figures.
      for (const { release, auc } of report.scores.find(({ score }) => score === 'iam')!.releases)
        expect(auc).toBeCloseTo(of(release).auc, 3);

      const second = await runDemo();
      expect(second.code, second.progress).toBe(0);
      expect(second.progress).not.toContain('passes');
      const strip = ({ releases, recurrence, scores }: Report) => ({ releases, recurrence, scores });
      expect(strip(JSON.parse(second.stdout) as Report)).toEqual(strip(report));
    },
    3 * TIMEOUT_MS,
  );
});
