/**
 * `npm run -s test:vectors -- <folder>`: runs check-iam.ts from its TypeScript source, prints the largest deviation
 * of each family, and ends with 1 where one is out of tolerance or nothing was there to check.
 */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { runnerImport } from 'vite';

const folder = resolve(process.argv[2] ?? 'test/vectors/iam');
if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
  console.error(`no folder ${folder}`);
  process.exit(1);
}
const { module } = await runnerImport('./test/vectors/check-iam.ts', {
  root: resolve(import.meta.dirname, '../..'),
  configFile: false,
  logLevel: 'error',
  resolve: { tsconfigPaths: true },
});
const { families, missing } = checked();

for (const { family, compared, deviation, tolerance, withinTolerance } of families) {
  const verdict = withinTolerance ? 'ok  ' : 'FAIL';
  const numbers = `${deviation.toExponential(2)} of ${tolerance.toExponential(0)} over ${compared}`;
  console.log(`${verdict} ${family.padEnd(48)} ${numbers}`);
}
for (const file of missing) console.log(`absent: ${file}`);
const failed = families.filter(({ withinTolerance }) => !withinTolerance);
console.log(`${families.length} families, ${failed.length} out of tolerance, ${missing.length} files absent`);
process.exitCode = failed.length > 0 || families.length === 0 ? 1 : 0;

/** A file that cannot be read ends the check: what was compared before it says nothing about the folder. */
function checked() {
  try {
    return module.checkFolder(folder);
  } catch (error) {
    console.error(`this folder cannot be checked: ${error.message}`);
    process.exit(1);
  }
}
