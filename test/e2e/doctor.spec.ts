/** The built command line: what it says of this machine, from processes that are started from what was built. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from '@app/persistence';
import { describe, expect, it } from 'vitest';

const entry = join(projectRoot(), 'dist', 'cli.js');
const doctor = async (...flags: string[]): Promise<string> => {
  const { stdout } = await promisify(execFile)(process.execPath, [entry, 'doctor', ...flags], {
    env: { PATH: process.env['PATH'], LACUNA_INFERENCE_BACKENDS: 'onnx-cpu,tfjs-cpu,tfjs-wasm' },
  });
  return stdout;
};

describe('lacuna doctor', () => {
  it('checks backends, and says what would be used', async () => {
    const report = JSON.parse(await doctor('--json')) as {
      machine: { cores: number };
      backends: { backend: string; usable: boolean }[];
      artifacts: { artifact: string; backend: string | null }[];
    };
    expect(report.machine.cores).toBeGreaterThan(0);
    expect(report.backends).toContainEqual(expect.objectContaining({ backend: 'onnx-cpu', usable: true }));
    const used = Object.fromEntries(report.artifacts.map(({ artifact, backend }) => [artifact, backend]));
    expect(used).toMatchObject({ onnx: 'onnx-cpu', 'tfjs (LayersModel, GraphModel)': 'tfjs-cpu' });
  });

  it('in a table for people', async () => {
    const text = await doctor();
    for (const line of [
      /Node\.js .*v\d/,
      /onnx-cpu .* yes .*known-answer check passed/,
      /recorded .* database/,
    ]) {
      expect(text).toMatch(line);
    }
  });
});
