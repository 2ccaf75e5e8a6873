import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { aliases } from '../support/aliases.js';

/** Crash tests: real processes of the built apps, which wait for each other and for leases: three files fill two cores. */
export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  resolve: { tsconfigPaths: true, alias: aliases },
  test: {
    setupFiles: ['reflect-metadata'],
    globalSetup: ['test/support/fault-global-setup.ts', 'test/support/global-setup.ts'],
    include: ['test/fault/**/*.spec.ts'],
    reporters: ['default', './test/support/count-reporter.ts'],
    maxWorkers: 3,
    // postgres.js asks for the array types of a new connection in a promise that nobody holds; the apps' mains do the same.
    onUnhandledError: (error) => !('query' in error && String(error.query).includes('pg_catalog.pg_type')),
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
