/** Builds the main file of a model's process from the sources, beside node_modules, whose packages it loads. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '@app/persistence';
import { build } from 'vite';

export interface BuiltChild {
  readonly entry: string;
  remove(): void;
}

export async function buildInferenceChild(): Promise<BuiltChild> {
  const cache = join(projectRoot(), 'node_modules', '.cache');
  mkdirSync(cache, { recursive: true });
  const directory = mkdtempSync(join(cache, 'lacuna-child-'));
  await build({
    configFile: false,
    logLevel: 'silent',
    resolve: { tsconfigPaths: true },
    build: {
      ssr: join(projectRoot(), 'libs/inference/src/isolated/child.ts'),
      outDir: directory,
      target: 'node20',
      rollupOptions: { output: { entryFileNames: 'child.mjs', chunkFileNames: '[name]-[hash].mjs' } },
    },
  });
  return {
    entry: join(directory, 'child.mjs'),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
