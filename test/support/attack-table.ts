/** The attacks as the Markdown table of libs/ledger/README.md. */
import { ATTACKS } from './attacks.js';

/** Aligned as prettier aligns tables. */
export function attackTable(): string {
  const rows = [
    ['who', 'attack', 'outcome', 'by'],
    ...ATTACKS.map(({ who, what, outcome, by }) => [who, what, outcome, `\`${by}\``]),
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [line(rows[0]!), rule, ...rows.slice(1).map(line)].join('\n');
}
