/**
 * The members of a zip archive as byte ranges that can be read by position. An archive is hostile until read: the names of
 * members are keys and never paths; no more members than a sample can have inputs, no name twice; what comes out is counted
 * before it is written and may not be more than the archive says, so that a small file cannot fill the disk; every member's CRC is
 * checked, which yauzl leaves to its caller. Proven by parse-npz.spec.ts.
 */
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from 'yauzl';
import { InferenceError } from '../../errors.js';
import { isZlibError } from '../../text/decompress.js';
import type { TextFaults } from '../../text/text-faults.js';
import { inputName, malformedSample, MAX_INPUTS } from '../sample-rules.js';
import { refusedArray } from './refused-array.js';
import type { Spool } from './spool.js';

/** A member's content: `spool` from `start` to `end`. */
export interface ByteRange {
  readonly spool: Spool;
  readonly start: number;
  readonly end: number;
}

export interface ZipSpools {
  /** The archive as it came. */
  readonly archive: Spool;
  /** What compressed members become, one after the other. */
  readonly expanded: Spool;
}

export interface ZipLimits {
  /** Most bytes of all members together, as they come out. */
  readonly maxBytes: number;
  readonly faults: Pick<TextFaults, 'tooLarge'>;
}

/** Inputs, ids and labels. */
const MAX_MEMBERS = MAX_INPUTS + 2;
const SUFFIX = '.npy';
const STORED = 0;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Each array's file, by the array's name.
 * @throws InferenceError SAMPLE_ARCHIVE_BROKEN, SAMPLE_ARRAY_REFUSED (a name), SAMPLE_MALFORMED (too many inputs); what
 *   `faults` makes of too many bytes
 */
export async function zipArrays(
  spools: ZipSpools,
  { maxBytes, faults }: ZipLimits,
): Promise<ReadonlyMap<string, ByteRange>> {
  const arrays = new Map<string, ByteRange>();
  let left = maxBytes;
  try {
    const zip = await openZip(spools.archive);
    for await (const entry of zip.eachEntry()) {
      const name = nameOf(entry);
      if (arrays.has(name)) throw refusedArray(name, 'is there twice');
      if (arrays.size === MAX_MEMBERS) throw malformedSample('inputs', `must name 1 to ${MAX_INPUTS} inputs`);
      left -= entry.uncompressedSize;
      if (left < 0) throw faults.tooLarge(maxBytes);
      arrays.set(name, await contentOf(zip, entry, spools));
    }
  } catch (error) {
    throw isOfTheArchive(error) ? brokenArchive(error) : error;
  }
  return arrays;
}

async function openZip(archive: Spool): Promise<ZipFile> {
  const options = { autoClose: false, decodeStrings: false, validateEntrySizes: true };
  return fromRandomAccessReaderPromise(new SpoolReader(archive), archive.sizeBytes, options);
}

class SpoolReader extends RandomAccessReader {
  constructor(private readonly spool: Spool) {
    super();
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(this.spool.stream(start, end), { objectMode: false });
  }
}

function nameOf({ fileNameRaw }: Entry): string {
  let path: string;
  try {
    path = utf8.decode(fileNameRaw);
  } catch {
    throw refusedArray(null, 'has a name that is not UTF-8');
  }
  const name = path.slice(0, -SUFFIX.length);
  if (!inputName.safeParse(name).success)
    throw refusedArray(null, 'has an empty name, or one that is too long');
  if (path !== name + SUFFIX) throw refusedArray(null, `is no array: its name does not end in ${SUFFIX}`);
  return name;
}

async function contentOf(zip: ZipFile, entry: Entry, { archive, expanded }: ZipSpools): Promise<ByteRange> {
  const isStored = entry.compressionMethod === STORED;
  const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
  const range = isStored
    ? { spool: archive, start: fileDataStart }
    : { spool: expanded, start: expanded.sizeBytes };
  let crc = 0;
  for await (const chunk of (await zip.openReadStreamPromise(entry)) as AsyncIterable<Uint8Array>) {
    crc = crc32(chunk, crc);
    if (!isStored) await expanded.append(chunk);
  }
  if (crc !== entry.crc32) throw brokenArchive(null);
  return { ...range, end: range.start + entry.uncompressedSize };
}

/** yauzl speaks of the archive's form in plain errors without a code; errors of the disk have one, our own have names. */
const isOfTheArchive = (error: unknown): boolean =>
  isZlibError(error) || (error instanceof Error && error.name === 'Error' && !('code' in error));

const brokenArchive = (cause: unknown): InferenceError =>
  new InferenceError(
    'SAMPLE_ARCHIVE_BROKEN',
    'the file is no whole .npz file: cut short, damaged, encrypted, or compressed otherwise than numpy does',
    { cause },
  );
