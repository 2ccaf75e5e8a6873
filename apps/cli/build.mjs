/**
 * Builds dist/: the processes and threads of the program, each from one file with the packages that it loads at its start.
 * A daemon that loads its 2,800 modules one by one takes three times as long to start. Types are checked by `npm run check`.
 * Plain JavaScript, because it runs before anything is compiled.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const dist = join(root, 'dist');
const stamp = join(dist, 'built');

const { projects } = JSON.parse(readFileSync(join(root, 'nest-cli.json'), 'utf8'));
const PROCESSES = Object.entries(projects).map(([name, { sourceRoot, entryFile }]) => [
  name,
  `${sourceRoot}/${entryFile}.ts`,
]);

const ENTRIES = {
  ...Object.fromEntries(PROCESSES),
  // Found by name beside whoever starts them: everything lies in one folder.
  child: 'libs/inference/src/isolated/child.ts',
  'chunk-thread': 'libs/ledger/src/audit/chunk-thread.ts',
  'stretch-thread': 'apps/cli/src/remote-audit/stretch-thread.ts',
  'train-child': 'apps/lab/src/lifecycle/train-child.ts',
};

/** Loaded when first needed, with native code or files of their own, or large. */
const LEFT_IN_NODE_MODULES = [
  'onnxruntime-node',
  ...['backend-cpu', 'backend-wasm', 'converter', 'core', 'layers'].map((name) => `@tensorflow/tfjs-${name}`),
  'vega',
];

const { output } = await build({
  configFile: false,
  root,
  logLevel: 'warn',
  publicDir: false,
  resolve: { tsconfigPaths: true },
  ssr: { noExternal: true, external: LEFT_IN_NODE_MODULES },
  build: {
    ssr: true,
    write: false,
    target: 'node20',
    minify: false,
    rolldownOptions: {
      input: Object.fromEntries(Object.entries(ENTRIES).map(([name, path]) => [name, join(root, path)])),
      // GraphQL types and errors are named by their classes.
      output: { keepNames: true, entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' },
    },
  },
});

mkdirSync(dist, { recursive: true });
const lastBuilt = statSync(stamp, { throwIfNoEntry: false })?.mtimeMs ?? 0;
for (const file of output) replaceFile(file.fileName, file.type === 'chunk' ? file.code : file.source);
removeOlderBuilds();
replaceFile('built', '');

/** Whole or not at all: another process may start at this moment. */
function replaceFile(name, content) {
  const draft = join(dist, `${name}.${process.pid}`);
  writeFileSync(draft, content);
  renameSync(draft, join(dist, name));
}

/** All but the build before this one, of which a process that still runs may load something yet. */
function removeOlderBuilds() {
  for (const name of readdirSync(dist)) {
    const path = join(dist, name);
    if (statSync(path).mtimeMs < lastBuilt) rmSync(path, { recursive: true });
  }
}
