/**
 * Cuts the lines of an import into chunks, the units that are filed whole or not at all. Where a chunk ends depends on its
 * own lines only, so an import that is sent again, or from the first line of any chunk on, is cut in the same places.
 * Pure; proven by chunk.spec.ts.
 */
import { createHash } from 'node:crypto';
import { CodedError } from '@app/errors';
import type { FaultyLine, Line } from '@app/inference';
import type { RequestContent } from '../filing.js';
import { readImportLine } from './import-line.js';

/** A block of commitments; more holds the log's lock for long, fewer wastes commits. */
export const CHUNK_COMMITMENTS = 4096;
/** Bounds the memory of a chunk of refused or very long lines. */
const CHUNK_LINES = 16_384;
const CHUNK_CHARACTERS = 16 * 1024 * 1024;

export interface RefusedLine {
  readonly line: number;
  readonly code: string;
  /** What was wrong, without content. */
  readonly message: string;
}

export interface ReadRequest {
  readonly line: number;
  readonly content: RequestContent;
}

export interface Chunk {
  readonly firstLine: number;
  readonly lastLine: number;
  readonly requests: readonly ReadRequest[];
  readonly refused: readonly RefusedLine[];
  /** SHA-256 over its lines, hexadecimal: the same chunk again is known by it. */
  readonly digest: string;
}

const isCoded = (error: unknown): error is CodedError => error instanceof CodedError;

/** @throws what is no fault of one line */
export function refusalOf(line: number, error: unknown): RefusedLine {
  if (!isCoded(error)) throw error;
  return { line, code: error.code, message: error.message };
}

/** @param firstLine number of the first line in `batches`, where the import goes on with a later part of its file */
export async function* chunksOf(
  batches: AsyncIterable<readonly (Line | FaultyLine)[]>,
  firstLine = 1,
): AsyncGenerator<Chunk, void> {
  let open = new OpenChunk(firstLine);
  for await (const lines of batches) {
    for (const line of lines) {
      const numbered = { ...line, line: line.line + firstLine - 1 };
      const read = readLine(numbered);
      if (!open.hasRoomFor(read)) {
        yield open.close();
        open = new OpenChunk(numbered.line);
      }
      open.take(numbered, read);
    }
  }
  if (!open.isEmpty) yield open.close();
}

type Read = ReadRequest | RefusedLine | null;

function readLine(line: Line | FaultyLine): Read {
  try {
    const content = readImportLine(line);
    return content && { line: line.line, content };
  } catch (error) {
    return refusalOf(line.line, error);
  }
}

class OpenChunk {
  private readonly hash = createHash('sha256');
  private readonly requests: ReadRequest[] = [];
  private readonly refused: RefusedLine[] = [];
  private commitments = 0;
  private characters = 0;
  private lastLine: number;

  constructor(private readonly firstLine: number) {
    this.lastLine = firstLine - 1;
  }

  get isEmpty(): boolean {
    return this.lastLine < this.firstLine;
  }

  hasRoomFor(read: Read): boolean {
    if (this.isEmpty) return true;
    if (this.lastLine - this.firstLine + 1 >= CHUNK_LINES || this.characters >= CHUNK_CHARACTERS)
      return false;
    return this.commitments + sizeOf(read) <= CHUNK_COMMITMENTS;
  }

  take(line: Line | FaultyLine, read: Read): void {
    const text = 'fault' in line ? '\u0000' : line.text;
    this.hash.update(`${text}\n`, 'utf8');
    this.characters += text.length;
    this.lastLine = line.line;
    this.commitments += sizeOf(read);
    if (read && 'code' in read) this.refused.push(read);
    else if (read) this.requests.push(read);
  }

  close(): Chunk {
    const { firstLine, lastLine, requests, refused } = this;
    return { firstLine, lastLine, requests, refused, digest: this.hash.digest('hex') };
  }
}

const sizeOf = (read: Read): number => (read && 'content' in read ? read.content.samples.length : 0);
