import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { aliases } from '../support/aliases.js';

/** Other people's clients against a listening daemon: they need their own toolchains, so they run apart (`npm run test:interop`). */
export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  resolve: { tsconfigPaths: true, alias: aliases },
  test: {
    setupFiles: ['reflect-metadata'],
    globalSetup: ['test/support/global-setup.ts'],
    include: ['test/interop/**/*.spec.ts'],
    reporters: ['default', './test/support/count-reporter.ts'],
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
