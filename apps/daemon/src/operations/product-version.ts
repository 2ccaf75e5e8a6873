import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '@app/persistence';

/** Version in package.json: which code verified is part of every attestation. */
export function productVersion(): string {
  const text = readFileSync(join(projectRoot(), 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
