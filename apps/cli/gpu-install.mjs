/**
 * `npm run gpu:install`: fetches the native parts of the packages that run models, which are too large for the package registry and
 * lie on their makers' servers. Nothing needs them: without them models run on the CPU. Plain JavaScript, as it runs before any build.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const linuxX64 = process.platform === 'linux' && process.arch === 'x64';

const parts = [
  {
    name: '@tensorflow/tfjs-node-gpu',
    what: 'TensorFlow for NVIDIA cards (CUDA 11.2)',
    here: linuxX64,
    run: ['run', 'install'],
    proof: 'lib',
  },
  {
    name: '@tensorflow/tfjs-node',
    what: 'TensorFlow for the CPU',
    here: true,
    run: ['run', 'install'],
    proof: 'lib',
  },
  {
    name: 'onnxruntime-node',
    what: 'CUDA libraries of onnxruntime (CUDA 12)',
    here: linuxX64,
    run: ['run', 'postinstall'],
    proof: join('bin', 'napi-v6', 'linux', 'x64', 'libonnxruntime_providers_cuda.so'),
  },
];

function fetchPart({ name, here, run, proof }) {
  if (!here) return `not made for ${process.platform} ${process.arch}`;
  const directory = join(root, 'node_modules', ...name.split('/'));
  if (!existsSync(directory))
    return 'the package is not installed: npm 11 keeps it at `npm ci`, older ones may drop it';
  if (existsSync(join(directory, proof))) return null;
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  spawnSync(npm, run, {
    cwd: directory,
    stdio: ['ignore', 2, 2],
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'true' },
  });
  if (existsSync(join(directory, proof))) return null;
  return 'could not be fetched: this machine may not reach the internet beyond the package registry';
}

const faults = parts.map((part) => ({ ...part, fault: fetchPart(part) }));
for (const { name, what, fault } of faults) {
  console.log(`${fault ? 'missing' : 'there  '}  ${name}: ${what}${fault ? `; ${fault}` : ''}`);
}
if (faults.some(({ fault }) => fault)) {
  console.log('Models run without what is missing, on what `npm run -s lacuna -- doctor` shows.');
}
process.exitCode = faults.every(({ fault }) => fault) ? 1 : 0;
