import { createPrivateKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { formatCheckpoint, signCheckpoint } from './checkpoint.js';
import { createCosigner } from './cosignature.js';
import { createEd25519Signer } from './ed25519.js';
import { EMPTY_ROOT } from './hash.js';
import { formatPolicy, isQuorumMet, openWitnessedCheckpoint, parsePolicy } from './policy.js';
import { addNoteSignatures, parseNote, signNote } from './signed-note.js';
import { createVerifierKey, formatVerifierKey } from './verifier-key.js';

function keyOf(seed: number) {
  const prefix = Buffer.from('302e020100300506032b657004220420', 'hex');
  return createPrivateKey({
    key: Buffer.concat([prefix, Buffer.alloc(32, seed)]),
    format: 'der',
    type: 'pkcs8',
  });
}

const log = createEd25519Signer('log.example/a', keyOf(1));
const otherLog = createEd25519Signer('log.example/b', keyOf(2));
const witnessOf = (seed: number, time = 1000n) =>
  createCosigner(`witness.example/${seed}`, keyOf(seed), () => time);
const vkey = (seed: number) => formatVerifierKey(witnessOf(seed));
const logKey = formatVerifierKey(log);
const withCode = (code: string) => expect.objectContaining({ name: 'TlogError', code }) as Error;

/** The specification's two-level example with keys. */
const example = `log ${logKey}

witness X1 ${vkey(11)}
witness X2 ${vkey(12)}
witness X3 ${vkey(13)}
group X-witnesses 2 X1 X2 X3

witness Y1 ${vkey(21)}
witness Y2 ${vkey(22)}
witness Y3 ${vkey(23)}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
`;

describe('policy files', () => {
  const policy = parsePolicy(example);

  it('hold logs, witnesses, groups and the quorum', () => {
    expect(policy.logs.map(({ key }) => key.name)).toEqual(['log.example/a']);
    expect(policy.witnesses.map(({ name }) => name)).toEqual(['X1', 'X2', 'X3', 'Y1', 'Y2', 'Y3']);
    expect(policy.groups.map(({ threshold }) => threshold)).toEqual([2, 1, 2]);
    expect(policy.quorum).toBe('X-and-Y');
  });

  it('are written so that they read the same', () => {
    const file = formatPolicy(policy);
    expect(formatPolicy(parsePolicy(file))).toBe(file);
    expect(parsePolicy(file).groups).toEqual(policy.groups);
  });

  it('decide as the specification’s example says', () => {
    const met = (...names: string[]) => isQuorumMet(policy, new Set(names));
    expect(met('X1', 'X3', 'Y2')).toBe(true);
    expect(met('X1', 'X2', 'X3', 'Y1', 'Y2', 'Y3')).toBe(true);
    expect(met('X1', 'Y1', 'Y2', 'Y3')).toBe(false);
    expect(met('X1', 'X2', 'X3')).toBe(false);
    expect(met('X-witnesses', 'Y-witnesses')).toBe(false);
    expect(met()).toBe(false);
  });

  it('take URLs, tabs, comments, empty lines and names beyond ASCII', () => {
    const file = `# café\n \t# indented\n\tlog  ${logKey}\thttps://log.example/ \nwitness ü ${vkey(11)} https://w.example\nquorum ü`;
    const { logs, witnesses } = parsePolicy(Buffer.from(file));
    expect(logs[0]!.url).toBe('https://log.example/');
    expect(witnesses[0]).toMatchObject({ name: 'ü', url: 'https://w.example' });
    expect(parsePolicy(formatPolicy(parsePolicy(file))).witnesses[0]!.name).toBe('ü');
  });

  it('keep names apart that only look alike', () => {
    const file = `witness K ${vkey(11)}\nwitness \u212a ${vkey(12)}\ngroup g all K \u212a\nquorum g\n`;
    expect(isQuorumMet(parsePolicy(file), new Set(['K']))).toBe(false);
  });

  it('may hold octets that are not UTF-8', () => {
    const file = Buffer.concat([
      Buffer.from('witness \xe9 ', 'latin1'),
      Buffer.from(`${vkey(11)}\nquorum \xe9\n`, 'latin1'),
    ]);
    expect(parsePolicy(file).witnesses).toHaveLength(1);
  });

  it('without witnesses need quorum none', () => {
    const none = parsePolicy('quorum none\n');
    expect(none).toEqual({ logs: [], witnesses: [], groups: [], quorum: 'none' });
    expect(isQuorumMet(none, new Set())).toBe(true);
  });

  it('hold at least 32 logs, witnesses and groups', () => {
    const seeds = Array.from({ length: 40 }, (_, i) => i + 50);
    const file = [
      ...seeds.map((seed) => `log ${formatVerifierKey(createEd25519Signer(`l${seed}`, keyOf(seed)))}`),
      ...seeds.map((seed) => `witness w${seed} ${vkey(seed)}`),
      ...seeds.map((seed) => `group g${seed} 1 w${seed}`),
      `group all-of-them 20 ${seeds.map((seed) => `g${seed}`).join(' ')}`,
      'quorum all-of-them',
    ].join('\n');
    const policy40 = parsePolicy(file);
    const cosigned = (count: number) => new Set(seeds.slice(0, count).map((seed) => `w${seed}`));
    expect(isQuorumMet(policy40, cosigned(20))).toBe(true);
    expect(isQuorumMet(policy40, cosigned(19))).toBe(false);
  });

  const w = `witness W ${vkey(11)}\n`;
  it.each([
    ['no quorum', w, 2],
    ['two quorums', `${w}quorum W\nquorum W\n`, 3],
    ['a quorum before its definition', `quorum W\n${w}`, 1],
    ['an unknown quorum', `${w}quorum V\n`, 2],
    ['a quorum of two names', `${w}quorum W W\n`, 2],
    ['an unknown keyword', `${w}wotness\n`, 2],
    ['a log key as witness', `witness L ${logKey}\nquorum L\n`, 1],
    ['a witness key as log', `log ${vkey(11)}\nquorum none\n`, 1],
    ['a broken key', `log ${logKey}x\nquorum none\n`, 1],
    ['a key of a reserved type', 'log a+00000000+BgEC\nquorum none\n', 1],
    ['the same log twice', `log ${logKey}\nlog ${logKey}\nquorum none\n`, 2],
    ['one witness key under two names', `${w}witness V ${vkey(11)}\nquorum none\n`, 2],
    ['two witnesses of one name', `${w}witness W ${vkey(12)}\nquorum none\n`, 2],
    ['a group named as a witness', `${w}group W any W\nquorum none\n`, 2],
    ['a witness named none', `witness none ${vkey(11)}\nquorum none\n`, 1],
    ['none as a member', `${w}group g any none\nquorum none\n`, 2],
    ['a member taken twice', `${w}group g any W\ngroup h any W\nquorum g\n`, 3],
    ['a member twice in one group', `${w}group g 2 W W\nquorum g\n`, 2],
    ['a member defined later', `group g any W\n${w}quorum g\n`, 1],
    ['a group of itself', 'group g any g\nquorum g\n', 1],
    ['an empty group', 'group g any\nquorum g\n', 1],
    ['a threshold of 0', `${w}group g 0 W\nquorum g\n`, 2],
    ['a threshold above the members', `${w}group g 2 W\nquorum g\n`, 2],
    ['a threshold with a leading zero', `${w}group g 01 W\nquorum g\n`, 2],
    ['a threshold that is an object member', `${w}group g constructor W\nquorum g\n`, 2],
    ['a carriage return', `${w}quorum W\r\n`, 2],
    ['a form feed', `${w}\fquorum W\n`, 2],
    ['DEL in a comment', `${w}# \u007f\nquorum W\n`, 2],
  ])('with %s are refused', (_, file, line) => {
    expect(() => parsePolicy(file)).toThrow(withCode('TLOG_POLICY_MALFORMED'));
    expect(() => parsePolicy(file)).toThrow(expect.objectContaining({ details: { line } }));
  });

  it('cannot be written from names that would not read back', () => {
    const key = createVerifierKey(witnessOf(11));
    const policyOf = (name: string) => ({ logs: [], groups: [], witnesses: [{ name, key }], quorum: name });
    expect(() => formatPolicy(policyOf('two words'))).toThrow(withCode('TLOG_POLICY_MALFORMED'));
    expect(() => formatPolicy(policyOf('W\nquorum none'))).toThrow(withCode('TLOG_POLICY_MALFORMED'));
  });
});

describe('openWitnessedCheckpoint', () => {
  const checkpoint = { origin: log.name, treeSize: 3n, rootHash: EMPTY_ROOT };
  const policy = parsePolicy(
    `log ${logKey}\nlog ${formatVerifierKey(otherLog)}\nwitness A ${vkey(11)}\nwitness B ${vkey(12)}\nwitness C ${vkey(13)}\ngroup g 2 A B C\nquorum g\n`,
  );
  const signedBy = (...signers: Parameters<typeof signCheckpoint>[1]) => signCheckpoint(checkpoint, signers);

  it('accepts a quorum and tells who cosigned when', () => {
    const note = signedBy(log, witnessOf(13, 7n), witnessOf(11, 5n), witnessOf(99));
    const opened = openWitnessedCheckpoint(note, policy, log.name);
    expect(opened).toMatchObject(checkpoint);
    expect(opened.cosignatures).toEqual([
      { witness: 'A', time: 5n },
      { witness: 'C', time: 7n },
    ]);
  });

  it('counts a witness once, at its latest time', () => {
    const note = signedBy(log, witnessOf(11, 9n), witnessOf(11, 5n));
    expect(() => openWitnessedCheckpoint(note, policy, log.name)).toThrow(withCode('TLOG_POLICY_UNMET'));
    const more = addNoteSignatures(note, parseNote(signedBy(witnessOf(12, 6n))).signatures);
    expect(openWitnessedCheckpoint(more, policy, log.name).cosignatures[0]).toEqual({
      witness: 'A',
      time: 9n,
    });
  });

  it('refuses what the log itself did not sign, or signed for another origin', () => {
    const cosigned = signedBy(witnessOf(11), witnessOf(12));
    expect(() => openWitnessedCheckpoint(cosigned, policy, log.name)).toThrow(withCode('TLOG_NOTE_UNSIGNED'));
    const byOther = signedBy(otherLog, witnessOf(11), witnessOf(12));
    expect(() => openWitnessedCheckpoint(byOther, policy, log.name)).toThrow(withCode('TLOG_NOTE_UNSIGNED'));
    const good = signedBy(log, witnessOf(11), witnessOf(12));
    expect(() => openWitnessedCheckpoint(good, policy, otherLog.name)).toThrow(
      withCode('TLOG_CHECKPOINT_ORIGIN_MISMATCH'),
    );
  });

  it('takes a log key known from elsewhere', () => {
    const bare = { ...policy, logs: [] };
    const note = signedBy(log, witnessOf(11), witnessOf(12));
    expect(() => openWitnessedCheckpoint(note, bare, log.name)).toThrow(withCode('TLOG_NOTE_UNSIGNED'));
    openWitnessedCheckpoint(note, bare, log.name, createVerifierKey(log));
  });

  it('refuses a cosignature over another checkpoint', () => {
    const other = signNote(formatCheckpoint({ ...checkpoint, treeSize: 4n }), [witnessOf(11)]);
    const note = addNoteSignatures(signedBy(log, witnessOf(12), witnessOf(13)), parseNote(other).signatures);
    expect(() => openWitnessedCheckpoint(note, policy, log.name)).toThrow(
      withCode('TLOG_NOTE_SIGNATURE_INVALID'),
    );
  });
});
