/**
 * `lacuna import`: sends the file, shows a bar, and goes on by itself after a broken connection. Whatever happens, running
 * it again files nothing twice: the daemon knows each chunk by the import's key.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { SingleBar } from 'cli-progress';
import Table from 'cli-table3';
import { CliError } from '../errors.js';
import { type ImportedChunk, type RefusedLine, sendImport } from '../import/import-client.js';
import { bytesFrom, countLines, keyOf } from '../import/import-file.js';
import { type DaemonAddress, type DaemonFlags, findDaemon } from '../local-daemon.js';
import { writeOutput } from '../write-output.js';

/** The longest import that goes through in one run. */
const TOKEN_SECONDS = 86_400;
/** Tries without any progress; with their pauses about a minute, longer than a daemon takes to come back. */
const MAX_TRIES = 12;
const LONGEST_PAUSE_MS = 10_000;

export interface ImportRequest extends DaemonFlags {
  readonly file: string;
  readonly key?: string;
  readonly fromStart?: true;
  readonly rejects?: string;
  readonly json?: true;
}

interface ImportReport {
  readonly key: string;
  readonly lines: number;
  /** First line sent in this run. */
  readonly resumedAt: number;
  readonly requests: number;
  readonly commitments: number;
  readonly refused: readonly RefusedLine[];
  readonly seconds: number;
}

/** True when every line that was sent was filed. @throws CliError */
export async function runImport({ file, ...flags }: ImportRequest): Promise<boolean> {
  const lines = await countLines(file);
  if (lines === 0) throw new CliError('CLI_FILE_EMPTY', `${file} has no line`);
  const key = flags.key ?? (await keyOf(file));
  const daemon = await findDaemon(flags, { command: 'import', seconds: TOKEN_SECONDS, role: 'platform' });
  const started = performance.now();
  const resumedAt = flags.fromStart ? 1 : await nextLine(daemon, key);
  const chunks = await sendAll(daemon, { file, key, firstLine: resumedAt, lines }, !flags.json);
  const report: ImportReport = {
    key,
    lines,
    resumedAt,
    requests: sum(chunks, (chunk) => chunk.requests),
    commitments: sum(chunks, (chunk) => chunk.commitments),
    refused: chunks.flatMap((chunk) => chunk.refused),
    seconds: (performance.now() - started) / 1000,
  };
  if (flags.rejects !== undefined) await writeRejects(flags.rejects, report.refused);
  process.stdout.write(flags.json ? `${JSON.stringify(report)}\n` : reportAsText(report, flags.rejects));
  return report.refused.length === 0;
}

interface Sending {
  readonly file: string;
  readonly key: string;
  readonly firstLine: number;
  readonly lines: number;
}

async function sendAll(daemon: DaemonAddress, sending: Sending, shown: boolean): Promise<ImportedChunk[]> {
  const { file, key, lines } = sending;
  const chunks = new Map<number, ImportedChunk>();
  const display = openDisplay(lines, sending.firstLine - 1, shown);
  let firstLine = sending.firstLine;
  let tries = 0;
  while (firstLine <= lines) {
    try {
      await sendImport(daemon, { key, firstLine, lines: bytesFrom(file, firstLine) }, (chunk) => {
        tries = 0;
        chunks.set(chunk.firstLine, chunk);
        firstLine = chunk.lastLine + 1;
        display.show(
          chunk.lastLine,
          sum([...chunks.values()], (one) => one.commitments),
        );
      });
      break;
    } catch (error) {
      tries += 1;
      if (!(error instanceof CliError) || !error.retryable || tries > MAX_TRIES) throw error;
      await delay(Math.min(LONGEST_PAUSE_MS, 100 * 2 ** tries));
    }
  }
  display.end();
  return [...chunks.values()];
}

/** Asks until it is told, as long as sending would. @throws CliError `CLI_API_REFUSED` */
async function nextLine({ url, token }: DaemonAddress, key: string): Promise<number> {
  const address = `${url}/v1/deletion-requests/import?key=${encodeURIComponent(key)}`;
  const response = await fetch(address, { headers: { authorization: `Bearer ${token}` } }).catch(
    (cause: unknown) => {
      throw new CliError('CLI_API_REFUSED', `the daemon at ${url} does not answer`, { cause });
    },
  );
  const answer = (await response.json()) as { nextLine: number; error?: { code: string; message: string } };
  if (answer.error) throw new CliError('CLI_API_REFUSED', `${answer.error.code}: ${answer.error.message}`);
  return answer.nextLine;
}

function openDisplay(lines: number, done: number, shown: boolean) {
  if (!shown) return { show: () => undefined, end: () => undefined };
  if (!process.stderr.isTTY) {
    return {
      show: (line: number, commitments: number) =>
        void process.stderr.write(`line ${line} of ${lines}, ${commitments} commitments\n`),
      end: () => undefined,
    };
  }
  const bar = new SingleBar({
    stream: process.stderr,
    format: '{bar} {percentage}%  line {value} of {total}  {commitments} commitments  {eta_formatted} left',
  });
  bar.start(lines, done, { commitments: 0 });
  return {
    show: (line: number, commitments: number) => bar.update(line, { commitments }),
    end: () => bar.stop(),
  };
}

async function writeRejects(path: string, refused: readonly RefusedLine[]): Promise<void> {
  await writeOutput(path, refused.map((one) => `${JSON.stringify(one)}\n`).join(''));
}

function reportAsText(report: ImportReport, rejects: string | undefined): string {
  const { lines, resumedAt, requests, commitments, refused, seconds } = report;
  const table = new Table({ style: { head: [], border: [] } });
  table.push(
    ['lines', resumedAt === 1 ? lines : `${lines}, sent from line ${resumedAt} on`],
    ['deletion requests filed', requests],
    ['commitments made', commitments],
    ['lines refused', refused.length],
    ['seconds', `${seconds.toFixed(1)} (${Math.round(commitments / seconds)} commitments/s)`],
    ['key', report.key],
  );
  const listed = rejects === undefined ? refused.slice(0, 20) : [];
  const rest = refused.length - listed.length;
  const tail = [
    ...listed.map(({ line, code, message }) => `line ${line}: ${code}: ${message}`),
    ...(rest > 0
      ? [
          `${rest} refused line(s) ${rejects ? `are listed in ${rejects}` : 'more: --rejects <file> lists all'}`,
        ]
      : []),
  ];
  return `${[table.toString(), ...tail].join('\n')}\n`;
}

const sum = <Item>(items: readonly Item[], of: (item: Item) => number): number =>
  items.reduce((total, item) => total + of(item), 0);
