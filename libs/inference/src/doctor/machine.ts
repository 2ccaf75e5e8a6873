/** What this machine has that matters for running models; reads only, and takes what it cannot find out for absent. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { promisify } from 'node:util';

export interface MachineFacts {
  readonly node: string;
  readonly platform: string;
  readonly cpu: string;
  readonly cores: number;
  /** Vector extensions that the libraries can make use of. */
  readonly simd: readonly string[];
  /** Mebibytes. */
  readonly memoryMb: number;
  readonly freeMemoryMb: number;
  /** One line each: from nvidia-smi where it is there, else the device nodes. */
  readonly gpus: readonly string[];
}

const SIMD = ['sse4_2', 'avx', 'avx2', 'fma', 'avx512f', 'avx512_vnni', 'amx_tile', 'asimd', 'sve'];
const BYTES_PER_MEBIBYTE = 1_048_576;
const NVIDIA_SMI_TIMEOUT_MS = 10_000;

export async function inspectMachine(): Promise<MachineFacts> {
  return {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    simd: simdOf(),
    memoryMb: Math.round(Math.min(totalmem(), memoryLimit()) / BYTES_PER_MEBIBYTE),
    freeMemoryMb: Math.round(freemem() / BYTES_PER_MEBIBYTE),
    gpus: await graphicsCards(),
  };
}

function simdOf(): string[] {
  if (!existsSync('/proc/cpuinfo')) return process.arch === 'arm64' ? ['asimd'] : [];
  const flags = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '';
  const present = new Set(flags.split(' '));
  return SIMD.filter((name) => present.has(name));
}

/** What a container may use; infinite where nothing limits it. */
function memoryLimit(): number {
  const limit = process.constrainedMemory();
  return limit !== undefined && limit > 0 ? limit : Infinity;
}

async function graphicsCards(): Promise<string[]> {
  try {
    const { stdout } = await promisify(execFile)(
      'nvidia-smi',
      ['--query-gpu=name,memory.total,driver_version', '--format=csv,noheader'],
      { timeout: NVIDIA_SMI_TIMEOUT_MS },
    );
    const lines = stdout.split('\n').filter((line) => line.trim() !== '');
    if (lines.length > 0) return lines;
  } catch {
    // No such tool, or no card behind it: the device nodes tell which.
  }
  return [...nodes('/dev', /^nvidia\d+$/), ...nodes('/dev/dri', /^renderD\d+$/)];
}

function nodes(directory: string, name: RegExp): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((file) => name.test(file))
    .map((file) => `${directory}/${file}`);
}
