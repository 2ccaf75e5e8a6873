/**
 * What the log key last signed, kept in a file outside the main database: a database that was restored from an older
 * backup, forked or rewritten cannot make the signer contradict itself. The file is written and synced before a
 * signature leaves the process. Proven by test/medium/rollback.spec.ts and test/fault/fault-table.spec.ts.
 */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Checkpoint, checkConsistency, TlogError } from '@app/tlog';
import { z } from 'zod';
import { LedgerError } from './errors.js';
import type { LogPosition } from './ledger.repository.js';

const stateSchema = z.strictObject({
  version: z.literal(1),
  logs: z.record(z.string(), z.strictObject({ treeSize: z.string().regex(/^\d+$/), rootHash: z.base64() })),
});

interface SignedHead {
  readonly treeSize: bigint;
  readonly rootHash: Uint8Array;
}

export class SignerState {
  private readonly heads: Map<string, SignedHead>;

  /** @throws LedgerError `LEDGER_SIGNER_STATE_UNREADABLE` for a damaged file; it is never replaced silently */
  constructor(private readonly file: string) {
    this.heads = existsSync(file) ? readState(file) : new Map<string, SignedHead>();
  }

  /** Every log that was signed. */
  origins(): string[] {
    return [...this.heads.keys()];
  }

  /**
   * Returns when the database's position does not contradict what was signed, also when nothing new is to be signed. A
   * signer ahead of the last checkpoint is right after a crash; a signer ahead of the entries never is.
   * @throws LedgerError `LEDGER_ROLLED_BACK` for a shrunk log, `LEDGER_FORKED` for another root at the signed size
   */
  refuseRollback({ origin, nextIndex, treeSize, rootHash }: LogPosition): void {
    const last = this.heads.get(origin);
    if (!last) return;
    if (nextIndex < last.treeSize) {
      throw new LedgerError(
        'LEDGER_ROLLED_BACK',
        `log ${origin} has ${nextIndex} entries, a checkpoint of ${last.treeSize} was signed: the database is older than the signer`,
      );
    }
    if (treeSize === last.treeSize && rootHash && Buffer.compare(rootHash, last.rootHash) !== 0) {
      throw new LedgerError(
        'LEDGER_FORKED',
        `log ${origin} was signed with another root at size ${treeSize}`,
      );
    }
  }

  lastSigned(origin: string): SignedHead | undefined {
    return this.heads.get(origin);
  }

  /**
   * Remembers `next` as signed after checking that it extends what was signed before.
   * @param consistencyProof from the last signed size to the next one
   * @throws LedgerError `LEDGER_ROLLED_BACK` for a shrunk log, `LEDGER_FORKED` for another history
   */
  advance(next: Checkpoint, consistencyProof: readonly Uint8Array[]): void {
    const last = this.heads.get(next.origin);
    if (last) refuseContradiction(last, next, consistencyProof);
    if (last?.treeSize === next.treeSize) return;
    this.heads.set(next.origin, { treeSize: next.treeSize, rootHash: next.rootHash });
    this.save();
  }

  private save(): void {
    const logs = Object.fromEntries(
      [...this.heads].map(([origin, head]) => [
        origin,
        { treeSize: head.treeSize.toString(), rootHash: Buffer.from(head.rootHash).toString('base64') },
      ]),
    );
    const draft = `${this.file}.draft`;
    const descriptor = openSync(draft, 'w', 0o600);
    writeSync(descriptor, `${JSON.stringify({ version: 1, logs }, null, 2)}\n`);
    fsyncSync(descriptor);
    closeSync(descriptor);
    renameSync(draft, this.file);
    const directory = openSync(dirname(this.file), 'r');
    fsyncSync(directory);
    closeSync(directory);
  }
}

function readState(file: string): Map<string, SignedHead> {
  try {
    const { logs } = stateSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    return new Map(
      Object.entries(logs).map(([origin, head]) => [
        origin,
        { treeSize: BigInt(head.treeSize), rootHash: Buffer.from(head.rootHash, 'base64') },
      ]),
    );
  } catch (cause) {
    throw new LedgerError(
      'LEDGER_SIGNER_STATE_UNREADABLE',
      `the record of what was signed (${file}) is damaged; restore it from a backup rather than deleting it`,
      { cause },
    );
  }
}

function refuseContradiction(last: SignedHead, next: Checkpoint, proof: readonly Uint8Array[]): void {
  if (next.treeSize < last.treeSize) {
    throw new LedgerError(
      'LEDGER_ROLLED_BACK',
      `log ${next.origin} has ${next.treeSize} entries, but ${last.treeSize} were signed: the database is older than the signer`,
    );
  }
  try {
    if (last.treeSize === 0n) return;
    checkConsistency({
      fromSize: last.treeSize,
      fromRoot: last.rootHash,
      toSize: next.treeSize,
      toRoot: next.rootHash,
      proof,
    });
  } catch (cause) {
    if (!(cause instanceof TlogError)) throw cause;
    throw new LedgerError(
      'LEDGER_FORKED',
      `log ${next.origin} does not extend the ${last.treeSize} entries that were signed: its history was changed`,
      { cause },
    );
  }
}
