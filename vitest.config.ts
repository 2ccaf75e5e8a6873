import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { aliases } from './test/support/aliases.js';

export default defineConfig({
  resolve: { tsconfigPaths: true, alias: aliases },
  test: {
    setupFiles: ['reflect-metadata'],
    globalSetup: ['test/support/global-setup.ts'],
    include: ['{libs,apps}/**/*.spec.ts', 'test/{vectors,medium,e2e}/**/*.spec.ts'],
    reporters: ['default', './test/support/count-reporter.ts'],
    // postgres.js asks each new connection for the server's array types and leaves that promise to nobody: where a test
    // kills the server in that moment, the loss shows up here and nowhere else.
    onUnhandledError: (error) => !String((error as { query?: unknown }).query).includes('pg_catalog.pg_type'),
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
