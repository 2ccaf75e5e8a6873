/** The data directory of a crash test: removed when its tests passed, kept for a look and named when one failed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, onTestFailed } from 'vitest';

/** Registers hooks; called before the test file's own, whose ends run first. */
export function faultDirectory(prefix: string): string {
  const directory = mkdtempSync(join(tmpdir(), prefix));
  let began = false;
  let failed = false;
  beforeEach(() => {
    began = true;
    onTestFailed(() => {
      failed = true;
    });
  });
  afterAll(() => {
    if (began && !failed) rmSync(directory, { recursive: true, force: true });
    else process.stdout.write(`kept for a look: ${directory}\n`);
  });
  return directory;
}
