/**
 * The checkpoints that an audit accepted, kept outside the database for the next one to begin at. The notes in it are signed,
 * so what a file can be made to say is at most an older truth. A single signed note is read too.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import type { AuditReport } from '@app/ledger';
import { parseCheckpoint, parseNote, TlogError } from '@app/tlog';
import { z } from 'zod';
import { AuditError } from './errors.js';

export interface KeptCheckpoints {
  /** When all of the ledger was last found clean; null where no full audit is known. */
  readonly fullAt: Date | null;
  /** Note by origin. */
  readonly notes: ReadonlyMap<string, string>;
}

const file = z.strictObject({
  version: z.literal(1),
  fullAt: z.iso.datetime().nullable(),
  checkpoints: z.record(z.string(), z.string()),
});

/** @throws AuditError `AUDIT_KEPT_UNUSABLE` */
export function parseKeptCheckpoints(text: string): KeptCheckpoints {
  try {
    if (!text.startsWith('{')) return { fullAt: null, notes: new Map([[originOf(text), text]]) };
    const { fullAt, checkpoints } = file.parse(JSON.parse(text));
    return { fullAt: fullAt === null ? null : new Date(fullAt), notes: new Map(Object.entries(checkpoints)) };
  } catch (cause) {
    if (!(cause instanceof z.ZodError || cause instanceof SyntaxError || cause instanceof TlogError))
      throw cause;
    const message = 'the file holds no checkpoints kept by an audit; leave it out to audit everything';
    throw new AuditError('AUDIT_KEPT_UNUSABLE', message, { cause });
  }
}

const originOf = (note: string): string => parseCheckpoint(parseNote(note).text).origin;

/** Null where there is no such file. @throws AuditError `AUDIT_KEPT_UNUSABLE` */
export function readKeptCheckpoints(path: string): KeptCheckpoints | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new AuditError('AUDIT_KEPT_UNUSABLE', 'the file of kept checkpoints cannot be read', { cause });
  }
  return parseKeptCheckpoints(text);
}

/** Synced and renamed, so that a kept file is never half a one. */
export function writeKeptCheckpoints(path: string, { logs }: AuditReport, fullAt: Date | null): void {
  const checkpoints = Object.fromEntries(
    logs.flatMap(({ log, checkpoint }) => (checkpoint === null ? [] : [[log, checkpoint] as const])),
  );
  const draft = `${path}.draft`;
  const handle = openSync(draft, 'w');
  writeSync(
    handle,
    `${JSON.stringify({ version: 1, fullAt: fullAt?.toISOString() ?? null, checkpoints })}\n`,
  );
  fsyncSync(handle);
  closeSync(handle);
  renameSync(draft, path);
}
