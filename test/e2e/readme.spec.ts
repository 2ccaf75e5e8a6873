/** What the README says is so: its settings, its scripts, its files, and that it names no command that is not there. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { settingsTable } from '@app/config';
import { projectRoot } from '@app/persistence';
import { describe, expect, it } from 'vitest';

const root = projectRoot();
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const scripts = (
  JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
).scripts;

/** Cells without the padding that the formatter adds. */
const cells = (table: string): string[][] =>
  table
    .trim()
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim().replace(/^-+$/, '---')));

describe('README', () => {
  it('lists every setting as the schema has it', () => {
    const [, listed] = /<!-- settings:[^>]*-->([\s\S]*?)<!-- \/settings -->/.exec(readme) ?? [];
    expect(cells(listed!)).toEqual(cells(settingsTable()));
  });

  it('names only scripts that exist', () => {
    const named = [...readme.matchAll(/npm run (?:-s )?([\w:]+)/g)].map((match) => match[1]!);
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });

  it('names only commands of the command line that exist', () => {
    const commands = [...readme.matchAll(/npm run -s lacuna -- (\w+)/g)].map((match) => match[1]!);
    const missing = commands.filter(
      (name) => !existsSync(join(root, 'apps', 'cli', 'src', 'commands', `${name}.command.ts`)),
    );
    expect(missing).toEqual([]);
  });

  it('links only to files that exist', () => {
    const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map((match) => match[1]!);
    expect(links.length).toBeGreaterThan(2);
    expect(links.filter((link) => !existsSync(join(root, link)))).toEqual([]);
  });
});
