/** One edit for every column of the ledger's tables, and the columns whose edit nothing can detect, with the reason. */

const BY_TYPE: Readonly<Record<string, (column: string) => string>> = {
  text: (column) => `coalesce(${column}, '') || 'x'`,
  uuid: () => 'gen_random_uuid()',
  integer: (column) => `coalesce(${column}, 0) + 1000`,
  smallint: (column) => `${column} + 1`,
  bigint: (column) => `${column} + 1000000`,
  bytea: (column) =>
    `overlay(coalesce(${column}, decode(repeat('cd', 32), 'hex')) placing '\\xabcdef'::bytea from 1)`,
  'timestamp with time zone': (column) => `${column} - interval '1 hour'`,
  'double precision': (column) =>
    `coalesce(${column}, 0.5) + case when coalesce(${column}, 0.5) < 0.5 then 0.001 else -0.001 end`,
  boolean: (column) => `not ${column}`,
  jsonb: (column) => `${column} || '{"counts": {"forged": true}, "value": "forged"}'::jsonb`,
};

/** Values that pass the CHECK constraints. */
const BY_COLUMN: Readonly<Record<string, string>> = {
  'log.kind': `case kind when 'events' then 'commitments' else 'events' end`,
  'verification.cause': `case cause when 'operator' then 'release' else 'operator' end`,
  'verification_outcome.result': `case result when 'PASSED' then 'FAILED' else 'PASSED' end`,
  'score_block.scores': `overlay(scores placing '\\x01020000'::bytea from 1)`,
  'release_withdrawal.reason': `case reason when 'RETIRED' then 'DEFECTIVE' else 'RETIRED' end`,
  'drift_check.differing': 'sampled - differing',
  'drift_check.outcome': `case outcome when 'SAME' then 'DIFFERENT' else 'SAME' end`,
  'signal_block.reasons': `'{"FORGED": [[0, 1]]}'::jsonb`,
  'signal_block.values': `overlay(values placing '\\x1040'::bytea from 7)`,
  'attestation.previous_digest': `decode(repeat('cd', 32), 'hex')`,
};

const LIVE = `release_id in (select release_id from lacuna.release where runtime <> 'recorded')`;
const OF_RELEASE = `source_digest in (select artifact_digest from lacuna.release)`;
const ON_COMMITMENTS = `subject_id in (select model_id from lacuna.model)`;

/** Tables whose rows say different things, by what their rows are; each kind is edited. All others have one kind. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
  reference: [`runtime = 'recorded'`, `runtime <> 'recorded'`],
  release: [`runtime = 'recorded'`, `runtime <> 'recorded'`],
  sample_set: [`role = 'calibration'`, `role = 'controls'`],
  score_block: [
    `subject = 'commitments' and not ${LIVE}`,
    `subject <> 'commitments' and not ${LIVE}`,
    `subject = 'commitments' and ${LIVE}`,
    `subject <> 'commitments' and ${LIVE}`,
  ],
  signal_block: [
    `${OF_RELEASE} and ${ON_COMMITMENTS}`,
    `${OF_RELEASE} and not ${ON_COMMITMENTS}`,
    `not ${OF_RELEASE} and ${ON_COMMITMENTS}`,
    `not ${OF_RELEASE} and not ${ON_COMMITMENTS}`,
  ],
};

/** Conditions that pick the rows of each kind. */
export const kindsOf = (table: string): readonly string[] => KINDS[table] ?? ['true'];

/** An UPDATE of that column in one row from the middle of those that `kind` picks. */
export function editOf(table: string, kind: string, column: string, type: string): string {
  const value = BY_COLUMN[`${table}.${column}`] ?? BY_TYPE[type]!(`"${column}"`);
  const rows = `from lacuna.${table} where ${kind}`;
  const row = `(select ctid ${rows} order by ctid offset (select count(*) / 2 ${rows}) limit 1)`;
  return `update lacuna.${table} set "${column}" = ${value} where ctid = ${row}`;
}

const TIMES = 'when a row was written; the signed times are in events, notes and attestations';
const RETRY = 'answers a client that asks again; the records it points to are evidence themselves';
const WORK = 'account of work done, not of results';
const SEALED = 'sealed with the payload, which then does not open; the audit has no keys';
const DECISION = 'follows from the attested scores by the rule of the profile; recompute it to check';

export const UNDETECTED: Readonly<Record<string, string>> = {
  'log.created_at': TIMES,
  'entry.appended_at': TIMES,
  'checkpoint.signed_at': TIMES,
  'checkpoint_cosignature.received_at': TIMES,
  'checkpoint_publication.published_at': TIMES,
  'idempotency_key.scope': RETRY,
  'idempotency_key.key': RETRY,
  'idempotency_key.content_digest': RETRY,
  'idempotency_key.response': RETRY,
  'idempotency_key.created_at': RETRY,
  'request_subject.filed_scope': RETRY,
  'request_subject.filed_key': RETRY,
  'recording.uploaded_by': 'the event that attaches a recording binds its digest, not its uploader',
  'recording.uploaded_at': TIMES,
  'recorded_signal.line':
    'place in the uploaded file, for messages; sample and value are bound by the digest',
  'artifact.stored_by':
    'the event of a release or reference binds the digest of its artifact, not its sender',
  'artifact.stored_at': TIMES,
  'verification.cause': WORK,
  'verification.requested_at': WORK,
  'score_block.inputs': WORK,
  'score_block.signals_read': WORK,
  'score_block.forward_passes': WORK,
  'score_block.computed_by': WORK,
  'score_block.computed_at': WORK,
  'signal_block.backend': 'the attestations say what computed',
  'signal_block.forward_passes': WORK,
  'signal_block.computed_by': WORK,
  'signal_block.computed_at': WORK,
  'request_result.p_residual': DECISION,
  'request_result.p_member': DECISION,
  'request_result.p_over': DECISION,
  'verification_outcome.concluded_at': TIMES,
  'vault_content.key_id': SEALED,
  'vault_content.wrapped_key': SEALED,
  'vault_content.data_keys': SEALED,
  'vault_item.sample_id': SEALED,
};

/** As prettier aligns tables. */
export function undetectedTable(): string {
  const rows = [
    ['column', 'why'],
    ...Object.entries(UNDETECTED).map(([column, why]) => [`\`${column}\``, why]),
  ];
  const widths = [0, 1].map((at) => Math.max(...rows.map((row) => row[at]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`;
  return [line(rows[0]!), line(widths.map((width) => '-'.repeat(width))), ...rows.slice(1).map(line)].join(
    '\n',
  );
}
