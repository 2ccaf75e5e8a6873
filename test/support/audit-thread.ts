/** Compiles the audit's thread for those who run from sources, which threads cannot (vitest, benches). */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'vite';

export interface CompiledThread {
  readonly file: string;
  remove(): void;
}

export async function compileAuditThread(): Promise<CompiledThread> {
  const root = join(import.meta.dirname, '../..');
  const parent = join(root, 'node_modules', '.cache');
  mkdirSync(parent, { recursive: true });
  const outDir = mkdtempSync(join(parent, 'audit-thread-'));
  await build({
    configFile: false,
    logLevel: 'silent',
    root,
    resolve: { tsconfigPaths: true },
    // With the packages it loads, as apps/cli/build.mjs builds it.
    ssr: { noExternal: true },
    build: {
      ssr: join(root, 'libs/ledger/src/audit/chunk-thread.ts'),
      outDir,
      minify: false,
      target: 'node20',
      rollupOptions: { output: { entryFileNames: 'thread.mjs' } },
    },
  });
  return { file: join(outDir, 'thread.mjs'), remove: () => rmSync(outDir, { recursive: true, force: true }) };
}
