/**
 * `npm run bench -- <name> [--json]`: runs test/bench/<name>.bench.ts from its TypeScript source and prints its figures
 * against their goals. Ends with 1 where a goal is missed. A bench exports `run(): Promise<{ bench, results }>`, each
 * result `{ id, value, unit, goal, met }`.
 */
import { existsSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { runnerImport } from 'vite';

const END = '.bench.ts';
const root = resolve(import.meta.dirname, '../..');
const flags = process.argv.slice(2).filter((word) => word.startsWith('--'));
const names = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const name = names[0] ?? '';
const unknownFlag = flags.find((flag) => flag !== '--json');

if (names.length !== 1 || unknownFlag || !existsSync(resolve(import.meta.dirname, `${name}${END}`))) {
  const known = readdirSync(import.meta.dirname).filter((file) => file.endsWith(END));
  console.error(`usage: npm run bench -- <name> [--json]`);
  console.error(`benches: ${known.map((file) => file.slice(0, -END.length)).join(', ')}`);
  process.exit(2);
}

// Benches start further processes by paths from the root.
process.chdir(root);
const { module } = await runnerImport(`./test/bench/${name}${END}`, {
  root,
  configFile: false,
  logLevel: 'error',
  resolve: { tsconfigPaths: true },
});
const report = await module.run();
if (flags.includes('--json')) console.log(JSON.stringify(report));
else {
  for (const { id, value, unit, goal, met } of report.results) {
    const figure = `${Number(value.toPrecision(4))} ${unit}`;
    console.log(`${met ? 'met   ' : 'MISSED'} ${id.padEnd(32)} ${figure.padStart(20)}   goal ${goal}`);
  }
}
process.exitCode = report.results.every(({ met }) => met) ? 0 : 1;
