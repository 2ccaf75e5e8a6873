/**
 * C2SP tlog-policy: which logs and witnesses are trusted, and how many witnesses must have cosigned a checkpoint.
 * Names are compared as they are written, never normalised. Proven by policy.spec.ts with the specification's
 * two-level example and one case for each rule.
 */
import { parseCheckpoint } from './checkpoint.js';
import type { OpenedCheckpoint } from './checkpoint.js';
import { cosignatureTime } from './cosignature.js';
import { TlogError } from './errors.js';
import { equalBytes } from './hash.js';
import { SIGNATURE_TYPES } from './signature-type.js';
import { openNote } from './signed-note.js';
import type { NoteVerifier } from './signed-note.js';
import { fromUtf8 } from './utf8.js';
import { formatVerifierKey, parseVerifierKey } from './verifier-key.js';
import type { VerifierKey } from './verifier-key.js';

export interface PolicyLog {
  /** Type 01; its name is the log's origin. */
  readonly key: VerifierKey;
  readonly url?: string;
}

export interface PolicyWitness {
  /** Means something within the policy only. */
  readonly name: string;
  /** Type 04. */
  readonly key: VerifierKey;
  /** Submission prefix of tlog-witness. */
  readonly url?: string;
}

export interface PolicyGroup {
  readonly name: string;
  /** Members that must have witnessed, 1 to `members.length`. */
  readonly threshold: number;
  /** Names of witnesses and of earlier groups. */
  readonly members: readonly string[];
}

export interface Policy {
  readonly logs: readonly PolicyLog[];
  readonly witnesses: readonly PolicyWitness[];
  /** In an order in which members come before the groups that name them. */
  readonly groups: readonly PolicyGroup[];
  /** Name of a witness or group, or {@link NO_QUORUM}. */
  readonly quorum: string;
}

/** Quorum of a policy that asks for no cosignature. */
export const NO_QUORUM = 'none';

/** The octets the format allows: tab, newline, and everything from space on but DEL. */
// eslint-disable-next-line no-control-regex -- the format forbids exactly these
const FORBIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f]/;

class PolicyReader {
  readonly logs: PolicyLog[] = [];
  readonly witnesses: PolicyWitness[] = [];
  readonly groups: PolicyGroup[] = [];
  quorum: string | undefined;
  /** Defined names; true once a group has it as a member. */
  private readonly used = new Map<string, boolean>();
  private line = 0;

  read(line: string, number: number): void {
    this.line = number;
    const [keyword = '', ...items] = line.split(/[ \t]+/).filter((item) => item !== '');
    if (keyword === '' || keyword.startsWith('#')) return;
    switch (keyword) {
      case 'log':
        return this.readLog(items);
      case 'witness':
        return this.readWitness(items);
      case 'group':
        return this.readGroup(items);
      case 'quorum':
        return this.readQuorum(items);
      default:
        throw this.malformed('the line starts with none of log, witness, group, quorum');
    }
  }

  malformed(message: string, cause?: unknown): TlogError {
    return new TlogError('TLOG_POLICY_MALFORMED', `line ${this.line} of the policy: ${message}`, {
      cause,
      details: { line: this.line },
    });
  }

  private readLog([vkey, url, ...rest]: string[]): void {
    if (vkey === undefined || rest.length > 0) throw this.malformed('a log is: log <vkey> [<url>]');
    const key = this.readKey(vkey, SIGNATURE_TYPES.ed25519, this.logs);
    this.logs.push({ key, ...(url === undefined ? {} : { url }) });
  }

  private readWitness([name, vkey, url, ...rest]: string[]): void {
    if (name === undefined || vkey === undefined || rest.length > 0) {
      throw this.malformed('a witness is: witness <name> <vkey> [<url>]');
    }
    const key = this.readKey(vkey, SIGNATURE_TYPES.ed25519Cosignature, this.witnesses);
    this.define(name);
    this.witnesses.push({ name, key, ...(url === undefined ? {} : { url }) });
  }

  private readKey(vkey: string, type: number, others: readonly { key: VerifierKey }[]): VerifierKey {
    let key: VerifierKey;
    try {
      key = parseVerifierKey(vkey);
    } catch (cause) {
      throw this.malformed('the verifier key cannot be used', cause);
    }
    if (key.type !== type) throw this.malformed('the verifier key has another signature type than fits here');
    if (others.some((other) => equalBytes(other.key.publicKey, key.publicKey))) {
      throw this.malformed('the same public key stands here twice');
    }
    return key;
  }

  private readGroup([name, threshold, ...members]: string[]): void {
    if (name === undefined || threshold === undefined || members.length === 0) {
      throw this.malformed('a group is: group <name> all|any|<k> <name>...');
    }
    const count = this.readThreshold(threshold, members.length);
    for (const member of members) {
      if (this.used.get(member) !== false)
        throw this.malformed('a member is not defined above, or taken already');
      this.used.set(member, true);
    }
    this.define(name);
    this.groups.push({ name, threshold: count, members });
  }

  private readThreshold(text: string, most: number): number {
    if (text === 'all') return most;
    if (text === 'any') return 1;
    const count = /^[1-9][0-9]{0,5}$/.test(text) ? Number(text) : 0;
    if (count < 1 || count > most)
      throw this.malformed('the threshold is not all, any or 1 to the member count');
    return count;
  }

  private readQuorum([name, ...rest]: string[]): void {
    if (name === undefined || rest.length > 0) throw this.malformed('a quorum is: quorum <name>');
    if (this.quorum !== undefined) throw this.malformed('there is a second quorum line');
    if (name !== NO_QUORUM && !this.used.has(name)) throw this.malformed('the quorum is not defined above');
    this.quorum = name;
  }

  private define(name: string): void {
    if (name === NO_QUORUM || this.used.has(name)) throw this.malformed('the name is taken already');
    this.used.set(name, false);
  }
}

/**
 * Reads a policy file. Octets above 0x7F are opaque to the format: a file that is not UTF-8 is read octet by octet.
 * @throws TLOG_POLICY_MALFORMED with details.line
 */
export function parsePolicy(file: string | Uint8Array): Policy {
  const text = typeof file === 'string' ? file : (fromUtf8(file) ?? Buffer.from(file).toString('latin1'));
  const reader = new PolicyReader();
  for (const [i, line] of text.split('\n').entries()) {
    reader.read(line, i + 1);
    if (FORBIDDEN.test(line)) throw reader.malformed('it holds a control character');
  }
  const { logs, witnesses, groups, quorum } = reader;
  if (quorum === undefined) throw reader.malformed('the quorum line is missing');
  return { logs, witnesses, groups, quorum };
}

/** The policy file of a policy; what {@link parsePolicy} would refuse is refused. @throws TLOG_POLICY_MALFORMED */
export function formatPolicy({ logs, witnesses, groups, quorum }: Policy): string {
  const lines = [
    ...logs.map(({ key, url }) => ['log', formatVerifierKey(key), url]),
    ...witnesses.map(({ name, key, url }) => ['witness', name, formatVerifierKey(key), url]),
    ...groups.map(({ name, threshold, members }) => ['group', name, threshold, ...members]),
    ['quorum', quorum],
  ];
  const file = lines.map((items) => `${items.filter((item) => item !== undefined).join(' ')}\n`).join('');
  parsePolicy(file);
  return file;
}

/** True when witnesses of these policy names together are strong enough. */
export function isQuorumMet({ witnesses, groups, quorum }: Policy, cosigned: ReadonlySet<string>): boolean {
  const met = new Set(witnesses.map(({ name }) => name).filter((name) => cosigned.has(name)));
  for (const { name, threshold, members } of groups) {
    if (members.filter((member) => met.has(member)).length >= threshold) met.add(name);
  }
  return quorum === NO_QUORUM || met.has(quorum);
}

export interface WitnessedCheckpoint extends OpenedCheckpoint {
  /** Verified cosignatures by the policy's witnesses, each witness's latest. Time in POSIX seconds. */
  readonly cosignatures: readonly { readonly witness: string; readonly time: bigint }[];
}

/**
 * The checkpoint of `origin` in `note`, signed by its log and cosigned as the policy asks.
 * @param logVerifier the log's key, where it is known from elsewhere; otherwise the policy's keys of that name.
 * @throws TLOG_NOTE_MALFORMED, TLOG_NOTE_SIGNATURE_INVALID, TLOG_NOTE_UNSIGNED, TLOG_CHECKPOINT_MALFORMED,
 * TLOG_CHECKPOINT_ORIGIN_MISMATCH, TLOG_POLICY_UNMET
 */
export function openWitnessedCheckpoint(
  note: string | Uint8Array,
  policy: Policy,
  origin: string,
  logVerifier?: NoteVerifier,
): WitnessedCheckpoint {
  const logKeys = logVerifier
    ? [logVerifier]
    : policy.logs.map(({ key }) => key).filter(({ name }) => name === origin);
  const opened = openNote(note, [...logKeys, ...policy.witnesses.map(({ key }) => key)]);
  const signed = (key: NoteVerifier) =>
    opened.verified.filter(({ name, keyId }) => name === key.name && keyId === key.keyId);
  const checkpoint = parseCheckpoint(opened.text);
  if (checkpoint.origin !== origin) {
    throw new TlogError('TLOG_CHECKPOINT_ORIGIN_MISMATCH', 'the checkpoint is of another log');
  }
  if (!logKeys.some((key) => signed(key).length > 0)) {
    throw new TlogError('TLOG_NOTE_UNSIGNED', 'the log did not sign the checkpoint');
  }
  const cosignatures = policy.witnesses.flatMap(({ name: witness, key }) => {
    const times = signed(key).map(({ signature }) => cosignatureTime(signature));
    return times.length > 0 ? [{ witness, time: times.reduce((a, b) => (a > b ? a : b)) }] : [];
  });
  if (!isQuorumMet(policy, new Set(cosignatures.map(({ witness }) => witness)))) {
    throw new TlogError('TLOG_POLICY_UNMET', 'too few of the policy’s witnesses cosigned the checkpoint', {
      details: { cosigned: cosignatures.length, witnesses: policy.witnesses.length },
    });
  }
  return { ...checkpoint, note: opened, cosignatures };
}
