/** Whatever a stranger sends, every parser answers with a value or a TlogError, and reads only what it would write. */
import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatCheckpoint, parseCheckpoint, signCheckpoint } from './checkpoint.js';
import { createCosigner } from './cosignature.js';
import { createEd25519Signer } from './ed25519.js';
import { formatEntryBundle, parseEntryBundle } from './entry-bundle.js';
import { TlogError } from './errors.js';
import { hashLeaf } from './hash.js';
import { formatPolicy, parsePolicy } from './policy.js';
import { parseSaltedLeaf, sealLeaf } from './salted-leaf.js';
import { formatNote, openNote, parseNote } from './signed-note.js';
import { formatEntryBundlePath, formatTilePath, parseEntryBundlePath, parseTilePath } from './tile.js';
import { formatTlogProof, parseTlogProof } from './tlog-proof.js';
import { MemoryTree } from './tree.js';
import { createVerifierKey, formatVerifierKey, parseVerifierKey } from './verifier-key.js';
import {
  formatAddCheckpointRequest,
  formatSizeConflict,
  parseAddCheckpointRequest,
  parseAddCheckpointResponse,
  parseSizeConflict,
} from './witness.js';

const { privateKey } = generateKeyPairSync('ed25519');
const log = createEd25519Signer('log.example', privateKey);
const witness = createCosigner('w.example', privateKey, () => 5n);
const tree = new MemoryTree([1, 2, 3, 4, 5].map((byte) => hashLeaf(Uint8Array.of(byte))));
const checkpoint = { origin: log.name, treeSize: 5n, rootHash: tree.root() };
const note = signCheckpoint(checkpoint, [log, witness]);
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8');

/** A parser, and what it would write for what it read (undefined where it has no writer). */
const parsers: Record<
  string,
  { sample: Uint8Array; rewrite: (input: Uint8Array) => Uint8Array | string | undefined }
> = {
  note: { sample: Buffer.from(note), rewrite: (input) => formatNote(parseNote(input)) },
  'open note': {
    sample: Buffer.from(note),
    rewrite: (input) => void openNote(input, [createVerifierKey(log), createVerifierKey(witness)]),
  },
  checkpoint: {
    sample: Buffer.from(formatCheckpoint(checkpoint)),
    rewrite: (input) => formatCheckpoint(parseCheckpoint(text(input))),
  },
  'verifier key': {
    sample: Buffer.from(formatVerifierKey(log)),
    rewrite: (input) => formatVerifierKey(parseVerifierKey(text(input))),
  },
  'tile path': {
    sample: Buffer.from('tile/3/x001/234.p/56'),
    rewrite: (input) => formatTilePath(parseTilePath(text(input))),
  },
  'entries path': {
    sample: Buffer.from('tile/entries/x001/234.p/56'),
    rewrite: (input) => formatEntryBundlePath(parseEntryBundlePath(text(input))),
  },
  'entry bundle': {
    sample: formatEntryBundle([Buffer.from('a'), Buffer.from('bc')]),
    rewrite: (input) => formatEntryBundle(parseEntryBundle(input)),
  },
  'tlog-proof': {
    sample: Buffer.from(
      formatTlogProof({
        leafIndex: 2n,
        proof: tree.proveInclusion(2n),
        checkpoint: note,
        extra: Uint8Array.of(1),
      }),
    ),
    rewrite: (input) => formatTlogProof(parseTlogProof(input)),
  },
  'add-checkpoint request': {
    sample: Buffer.from(
      formatAddCheckpointRequest({ oldSize: 3n, proof: tree.proveConsistency(3n), checkpoint: note }),
    ),
    rewrite: (input) => formatAddCheckpointRequest(parseAddCheckpointRequest(input)),
  },
  'add-checkpoint response': {
    sample: Buffer.from(note.split('\n\n')[1]!),
    rewrite: (input) =>
      void parseAddCheckpointResponse(text(input), formatCheckpoint(checkpoint), [
        createVerifierKey(witness),
      ]),
  },
  'size conflict': {
    sample: Buffer.from('17\n'),
    rewrite: (input) => formatSizeConflict(parseSizeConflict(text(input))),
  },
  policy: {
    sample: Buffer.from(
      `log ${formatVerifierKey(log)}\nwitness w ${formatVerifierKey(witness)}\ngroup g 1 w\nquorum g\n`,
    ),
    // Comments and spacing are free, so only the second writing has to be stable.
    rewrite: (input) => {
      const file = formatPolicy(parsePolicy(input));
      expect(formatPolicy(parsePolicy(file))).toBe(file);
      return undefined;
    },
  },
  'salted leaf': {
    sample: sealLeaf({ type: 'a', content: '{}', salt: new Uint8Array(32) }),
    rewrite: (input) => void parseSaltedLeaf(input),
  },
};

/** The sample after a few cuts, changes, insertions and repetitions. */
const mutated = (sample: Uint8Array) =>
  fc
    .array(
      fc.record({
        kind: fc.constantFrom('cut', 'change', 'insert', 'repeat'),
        at: fc.nat(),
        length: fc.integer({ min: 1, max: 12 }),
        bytes: fc.oneof(
          fc.uint8Array({ minLength: 1, maxLength: 4 }),
          fc.constantFrom(
            ...['\n', '\n\n', ' ', '— ', '=', '0', '+', '\0', '\u0085', '-'].map((s) => Buffer.from(s)),
          ),
        ),
      }),
      { minLength: 1, maxLength: 3 },
    )
    .map((steps) =>
      steps.reduce<Uint8Array>((input, { kind, at, length, bytes }) => {
        const position = at % (input.length + 1);
        const [head, tail] = [input.subarray(0, position), input.subarray(position)];
        if (kind === 'cut') return Buffer.concat([head, tail.subarray(length)]);
        if (kind === 'change') return Buffer.concat([head, bytes, tail.subarray(bytes.length)]);
        if (kind === 'insert') return Buffer.concat([head, bytes, tail]);
        return Buffer.concat([head, tail.subarray(0, length), tail]);
      }, sample),
    );

describe.each(Object.entries(parsers))('the %s parser', (_, { sample, rewrite }) => {
  it('reads its sample', () => {
    const written = rewrite(sample);
    if (written !== undefined) expect(Buffer.from(written)).toEqual(Buffer.from(sample));
  });

  it('throws nothing but TlogError, and reads nothing it would write otherwise', () => {
    const input = fc.oneof(
      { weight: 6, arbitrary: mutated(sample) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 200 }).map((s) => Buffer.from(s)) },
    );
    fc.assert(
      fc.property(input, (bytes) => {
        let written: Uint8Array | string | undefined;
        try {
          written = rewrite(bytes);
        } catch (error) {
          if (!(error instanceof TlogError)) throw error;
          return;
        }
        if (written !== undefined)
          expect(
            Buffer.from(written).equals(Buffer.from(text(bytes))) || Buffer.from(written).equals(bytes),
          ).toBe(true);
      }),
      { seed: 17, numRuns: 1500 },
    );
  });
});
