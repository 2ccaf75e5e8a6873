/**
 * `npm run hammer [-- seconds]`: 64 appenders against the ledger in this process, over an embedded PostgreSQL with fsync
 * on; appends a second, time to the acknowledgement and how far the integrator is behind, as a table.
 */
import 'reflect-metadata';
import { resolve } from 'node:path';
import { runnerImport } from 'vite';

const { module } = await runnerImport('./test/fault/hammer.ts', {
  root: resolve(import.meta.dirname, '../..'),
  configFile: false,
  logLevel: 'error',
  resolve: { tsconfigPaths: true },
});
const seconds = Number(process.argv[2] ?? 10);
if (!(seconds > 0 && seconds <= 3600)) throw new Error('the duration is 1 to 3600 seconds');
process.stdout.write(module.formatReport(await module.hammer(seconds * 1000)));
