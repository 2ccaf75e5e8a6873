/** Every column of `attestation` against the signed statement in it, its event, and the one before it. */
import {
  ATTESTATION_LEAF_TYPE,
  AttestationError,
  formatAttestationContent,
  type KeySet,
  openAttestation,
  openDsse,
  type Statement,
} from '@app/attestation';
import type { AuditFinding } from '@app/ledger';
import type { Database, Tables } from '@app/persistence';
import { canonicalJson } from '@app/tlog';
import type { Selectable } from 'kysely';

type AttestationRow = Selectable<Tables['attestation']>;
type EventRow = Pick<Selectable<Tables['event']>, 'leaf_index' | 'subject_id' | 'content'>;

export interface AttestationsAudit {
  readonly findings: readonly AuditFinding[];
  /** What was signed, by verification; only what opened. */
  readonly statements: ReadonlyMap<string, Statement>;
}

const hex = (bytes: Uint8Array | null | undefined): string | null =>
  bytes ? Buffer.from(bytes).toString('hex') : null;

export async function auditAttestations(db: Database, keySet: KeySet): Promise<AttestationsAudit> {
  const rows = await db
    .selectFrom('attestation')
    .selectAll()
    .orderBy('model_id')
    .orderBy('ordinal')
    .execute();
  const events = new Map((await attestationEvents(db)).map((event) => [event.leaf_index, event]));
  const findings: AuditFinding[] = [];
  const statements = new Map<string, Statement>();
  for (const [position, row] of rows.entries()) {
    const before = rows[position - 1];
    const previous = before?.model_id === row.model_id ? before : undefined;
    findings.push(...chainFindings(row, previous));
    const opened = await open(row, keySet);
    findings.push(...opened.findings);
    if (!opened.statement) continue;
    statements.set(row.verification_id, opened.statement);
    findings.push(...columnFindings(row, opened.statement));
    findings.push(...eventFindings(row, opened.statement, events.get(row.event_index)));
    events.delete(row.event_index);
  }
  for (const index of events.keys())
    findings.push({
      log: 'event',
      index: index.toString(),
      field: 'attestation.event_index',
      problem: 'no attestation belongs to this event',
    });
  return { findings, statements };
}

async function attestationEvents(db: Database): Promise<EventRow[]> {
  return db
    .selectFrom('event')
    .select(['leaf_index', 'subject_id', 'content'])
    .where('type', '=', ATTESTATION_LEAF_TYPE)
    .execute();
}

function finding(row: AttestationRow, column: string, problem: string): AuditFinding {
  return { log: 'attestation', index: row.attestation_id, field: `attestation.${column}`, problem };
}

async function open(
  row: AttestationRow,
  keySet: KeySet,
): Promise<{ statement?: Statement; findings: AuditFinding[] }> {
  try {
    const { statement } = await openAttestation(row.jws, keySet);
    return { statement, findings: dsseFindings(row, statement, keySet) };
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    return { findings: [finding(row, 'jws', `${error.code}: ${error.message}`)] };
  }
}

function dsseFindings(row: AttestationRow, statement: Statement, keySet: KeySet): AuditFinding[] {
  try {
    const same = canonicalJson(openDsse(row.dsse, keySet)) === canonicalJson(statement);
    return same ? [] : [finding(row, 'dsse', 'is signed over another statement than the JWS')];
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    return [finding(row, 'dsse', `${error.code}: ${error.message}`)];
  }
}

function chainFindings(row: AttestationRow, previous: AttestationRow | undefined): AuditFinding[] {
  const findings: AuditFinding[] = [];
  const ordinal = previous ? previous.ordinal + 1 : 0;
  if (row.ordinal !== ordinal) findings.push(finding(row, 'ordinal', `should be ${ordinal}`));
  if (hex(row.previous_digest) !== hex(previous?.digest))
    findings.push(finding(row, 'previous_digest', "is not the digest of the model's attestation before it"));
  return findings;
}

function columnFindings(row: AttestationRow, { predicate }: Statement): AuditFinding[] {
  const signed: readonly (readonly [string, string | null, string | null])[] = [
    ['model_id', row.model_id, predicate.model.id],
    ['issued_at', row.issued_at.toISOString(), predicate.verifiedAt],
    ['expires_at', row.expires_at.toISOString(), predicate.expiresAt],
    ['previous_digest', hex(row.previous_digest), predicate.previousAttestation?.digest ?? null],
  ];
  return signed
    .filter(([, stored, said]) => stored !== said)
    .map(([column, , said]) => finding(row, column, `the signed statement says ${said ?? 'none'}`));
}

function eventFindings(
  row: AttestationRow,
  statement: Statement,
  event: EventRow | undefined,
): AuditFinding[] {
  if (!event) return [finding(row, 'event_index', 'there is no attestation event at this index')];
  if (event.content !== formatAttestationContent(row.jws, statement))
    return [finding(row, 'event_index', 'the event at this index is of another attestation')];
  if (event.subject_id === row.attestation_id) return [];
  const problem = `event ${event.leaf_index} names another attestation id`;
  return [finding(row, 'attestation_id', problem)];
}
