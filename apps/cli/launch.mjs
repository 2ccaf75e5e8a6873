/**
 * Runs the command line from a clone, building it first when a source is newer than the last build.
 * Plain JavaScript, because it runs before anything is compiled.
 *   node apps/cli/launch.mjs <command> ...   build if needed, then run the command line
 *   node apps/cli/launch.mjs --app <name>    build if needed, then run the daemon or a worker
 *   node apps/cli/launch.mjs --build-only    build if needed (npm prepare, pretest)
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const stamp = join(root, 'dist', 'built');
const entryOf = (app) => join(root, 'dist', 'apps', app, 'apps', app, 'src', 'main.js');
const entry = entryOf('cli');

/** Newest modification time of the sources and of what says how to compile them, in milliseconds. */
function newestSource(directory) {
  return readdirSync(directory, { withFileTypes: true }).reduce((newest, item) => {
    const path = join(directory, item.name);
    if (item.isDirectory()) return Math.max(newest, newestSource(path));
    const counts =
      item.name === 'tsconfig.app.json' || (item.name.endsWith('.ts') && !item.name.endsWith('.spec.ts'));
    return counts ? Math.max(newest, statSync(path).mtimeMs) : newest;
  }, 0);
}

function isStale() {
  if (!existsSync(stamp) || !existsSync(entry)) return true;
  const newest = Math.max(
    newestSource(join(root, 'apps')),
    newestSource(join(root, 'libs')),
    statSync(join(root, 'tsconfig.json')).mtimeMs,
    statSync(join(root, 'nest-cli.json')).mtimeMs,
    statSync(join(root, 'package.json')).mtimeMs,
  );
  return newest > statSync(stamp).mtimeMs;
}

/** The Nest command line's file, or null where development dependencies are not installed. */
function nestCli() {
  try {
    return createRequire(import.meta.url).resolve('@nestjs/cli/bin/nest.js');
  } catch {
    return null;
  }
}

function buildIfStale() {
  if (!isStale()) return;
  const nest = nestCli();
  if (!nest) {
    if (existsSync(entry)) return;
    throw new Error(
      'nothing is built, and the development dependencies that build it are missing: run `npm ci`',
    );
  }
  process.stderr.write('building ...\n');
  const started = Date.now();
  const run = spawnSync(process.execPath, [nest, 'build', '--all'], { cwd: root, stdio: ['ignore', 2, 2] });
  if (run.status !== 0) process.exit(run.status ?? 1);
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, '');
  process.stderr.write(`built in ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
}

buildIfStale();
const [, , first, second] = process.argv;
if (first !== '--build-only') await import(pathToFileURL(first === '--app' ? entryOf(second) : entry).href);
