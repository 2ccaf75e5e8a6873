/**
 * Runs the command line from a clone, building it first when a source is newer than the last build.
 * Plain JavaScript, because it runs before anything is compiled.
 *   node apps/cli/launch.mjs <command> ...   build if needed, then run the command line
 *   node apps/cli/launch.mjs --app <name>    build if needed, then run the daemon or a worker
 *   node apps/cli/launch.mjs --build-only    build if needed (npm prepare, pretest)
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const stamp = join(root, 'dist', 'built');
const entryOf = (app) => join(root, 'dist', `${app}.js`);
const entry = entryOf('cli');

/** Newest modification time of the sources, in milliseconds. */
function newestSource(directory) {
  return readdirSync(directory, { withFileTypes: true }).reduce((newest, item) => {
    const path = join(directory, item.name);
    if (item.isDirectory()) return Math.max(newest, newestSource(path));
    const counts = item.name.endsWith('.ts') && !item.name.endsWith('.spec.ts');
    return counts ? Math.max(newest, statSync(path).mtimeMs) : newest;
  }, 0);
}

function isStale() {
  if (!existsSync(stamp) || !existsSync(entry)) return true;
  const newest = Math.max(
    newestSource(join(root, 'apps')),
    newestSource(join(root, 'libs')),
    // What says how to compile them, and which packages become part of the result.
    ...['apps/cli/build.mjs', 'nest-cli.json', 'tsconfig.json', 'package.json', 'package-lock.json'].map(
      (path) => statSync(join(root, path)).mtimeMs,
    ),
  );
  return newest > statSync(stamp).mtimeMs;
}

/** False where development dependencies are not installed. */
function canBuild() {
  try {
    createRequire(import.meta.url).resolve('vite/package.json');
    return true;
  } catch {
    return false;
  }
}

function buildIfStale() {
  if (!isStale()) return;
  if (!canBuild()) {
    if (existsSync(entry)) return;
    throw new Error(
      'nothing is built, and the development dependencies that build it are missing: run `npm ci`',
    );
  }
  process.stderr.write('building ...\n');
  const started = Date.now();
  const build = join(root, 'apps', 'cli', 'build.mjs');
  const run = spawnSync(process.execPath, [build], { stdio: ['ignore', 2, 2] });
  if (run.status !== 0) process.exit(run.status ?? 1);
  process.stderr.write(`built in ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
}

buildIfStale();
const [, , first, second] = process.argv;
if (first !== '--build-only') await import(pathToFileURL(first === '--app' ? entryOf(second) : entry).href);
