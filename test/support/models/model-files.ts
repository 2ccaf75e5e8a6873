import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Content of a model's files by path inside its folder. */
export type ModelFiles = Readonly<Record<string, Uint8Array>>;

/** Writes the files into a new temporary folder, which the caller removes. */
export function writeModel(files: ModelFiles): string {
  const directory = mkdtempSync(join(tmpdir(), 'lacuna-model-'));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  }
  return directory;
}
