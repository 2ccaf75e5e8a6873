import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { aliases } from './test/support/aliases.js';

const resolve = { tsconfigPaths: true, alias: aliases };
const each = { setupFiles: ['reflect-metadata'], testTimeout: 60_000, hookTimeout: 120_000 };

/** Their subject is a process: what is loaded into it, what it holds open, models' native libraries. Each has one of its own. */
const OWN_PROCESS = ['libs/inference/**/*.spec.ts', 'test/e2e/**/*.spec.ts'];

export default defineConfig({
  resolve,
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    reporters: ['default', './test/support/count-reporter.ts'],
    // postgres.js asks each new connection for the server's array types and leaves that promise to nobody: where a test
    // kills the server in that moment, the loss shows up here and nowhere else.
    onUnhandledError: (error) => !String((error as { query?: unknown }).query).includes('pg_catalog.pg_type'),
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      { resolve, test: { ...each, name: 'own process', include: OWN_PROCESS } },
      {
        resolve,
        test: {
          ...each,
          name: 'shared process',
          include: ['{libs,apps}/**/*.spec.ts', 'test/{vectors,medium}/**/*.spec.ts'],
          exclude: OWN_PROCESS,
          // To load the framework and the libraries takes longer than most of these files.
          isolate: false,
        },
      },
    ],
  },
});
