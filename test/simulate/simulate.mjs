/**
 * `npm run simulate [-- runs]`: the error rates of libs/iam in worlds where the truth is known, as a table on standard
 * output, and the power curves as libs/iam/power-curves.svg. Seeded: the same figures on every machine. Ends with 1
 * where a claimed rate is exceeded beyond chance.
 */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { runnerImport } from 'vite';

const root = resolve(import.meta.dirname, '../..');
const { module } = await runnerImport('./test/simulate/settings.ts', {
  root,
  configFile: false,
  logLevel: 'error',
  resolve: { tsconfigPaths: true },
});
const runs = Number(process.argv[2] ?? 2_000);
let broken = 0;
for (const { name, claim, simulate } of module.SETTINGS) {
  const { rate, low, high, power } = simulate(runs);
  const kept = low <= claim;
  if (!kept && claim < 1) broken++;
  const verdict = claim === 1 ? 'info' : kept ? 'ok  ' : 'FAIL';
  const found = power > 0 ? `  found ${(100 * power).toFixed(1)} %` : '';
  console.log(
    `${verdict} ${name.padEnd(72)} ${rate.toFixed(4)} [${low.toFixed(4)}, ${high.toFixed(4)}]${found}`,
  );
}
const plot = resolve(root, 'libs/iam/power-curves.svg');
writeFileSync(plot, module.plotPowerCurves());
console.log(`power curves: ${plot}`);
process.exitCode = broken > 0 ? 1 : 0;
