/**
 * `npm run hammer [-- --seconds 10 --writers 64 --json]`: writers that append without a pause to the ledger in this process,
 * over an embedded PostgreSQL with fsync on. Appends a second, time to the acknowledgement and how far the signed
 * checkpoints are behind, as a table or as one line of JSON. Ends with 1 where the audit afterwards finds anything.
 */
import 'reflect-metadata';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runnerImport } from 'vite';

const { seconds, writers, json } = optionsOf(process.argv.slice(2));
const { module } = await runnerImport('./test/fault/hammer.ts', {
  root: resolve(import.meta.dirname, '../..'),
  configFile: false,
  logLevel: 'error',
  resolve: { tsconfigPaths: true },
});
const report = await module.hammer({ durationMs: seconds * 1000, writers });
process.stdout.write(json ? `${JSON.stringify(report)}\n` : module.formatReport(report));
process.exitCode = report.findings === 0 ? 0 : 1;

function optionsOf(words) {
  try {
    const { values } = parseArgs({
      args: words,
      options: {
        seconds: { type: 'string', default: '10' },
        writers: { type: 'string', default: '64' },
        json: { type: 'boolean', default: false },
      },
    });
    const { json } = values;
    return {
      seconds: numberIn('seconds', values.seconds, 3600),
      writers: numberIn('writers', values.writers, 10_000),
      json,
    };
  } catch (error) {
    process.stderr.write(
      `${error.message}\nusage: npm run hammer -- [--seconds 10] [--writers 64] [--json]\n`,
    );
    return process.exit(2);
  }
}

function numberIn(name, text, most) {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= 1 && number <= most) return number;
  throw new Error(`--${name} must be a whole number from 1 to ${most}`);
}
