import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { uploadsFolder } from './uploads-folder.js';

const HOUR_MS = 3_600_000;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lacuna-folder-'));
  vi.stubEnv('TMPDIR', directory);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true });
});

it('is for its owner alone, and keeps what may still be in use, not what a killed process left', async () => {
  const folder = await uploadsFolder();
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  for (const [name, ageHours] of [
    ['old', 25],
    ['young', 23],
  ] as const) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, '0'), 'a part of a model');
    const at = new Date(Date.now() - ageHours * HOUR_MS);
    utimesSync(join(folder, name), at, at);
  }
  expect(await uploadsFolder()).toBe(folder);
  expect(readdirSync(folder)).toEqual(['young']);
});
