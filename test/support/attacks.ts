/**
 * The committed table of attacks on the ledger: who does what, whether the database prevents it or the audit (or the
 * signer) detects it, and by which code or finding. Each row is a test in test/medium/attacks.spec.ts; the table of
 * libs/ledger/README.md is made from it.
 */
export interface Attack {
  readonly who: 'application role' | 'owner' | 'superuser' | 'superuser as replica' | 'operator';
  readonly what: string;
  readonly outcome: 'prevented' | 'detected';
  /** SQLSTATE of the refusal, field of the finding, or code of the signer's refusal. */
  readonly by: string;
  /** Statements, run in one transaction; `:log` is the id of a commitment log of 300 entries in 3 checkpoints. */
  readonly sql: string;
}

const GUARDS_OFF = `set local lacuna.maintenance = 'on'; set local session_replication_role = replica;`;
const off = (table: string): string => `${GUARDS_OFF} alter table lacuna.${table} disable trigger all;`;
const LEAF = `convert_to('{"forged":true}', 'UTF8'), decode(repeat('ab', 32), 'hex')`;

export const ATTACKS: readonly Attack[] = [
  {
    who: 'application role',
    what: 'edits an entry',
    outcome: 'prevented',
    by: '42501',
    sql: `update lacuna.entry set leaf = leaf`,
  },
  {
    who: 'application role',
    what: 'deletes a commitment',
    outcome: 'prevented',
    by: '42501',
    sql: `delete from lacuna.commitment`,
  },
  {
    who: 'application role',
    what: 'deletes the opening of a commitment',
    outcome: 'prevented',
    by: '42501',
    sql: `delete from lacuna.commitment_opening`,
  },
  {
    who: 'application role',
    what: 'destroys what belongs to a request without an erasure',
    outcome: 'prevented',
    by: 'LA001',
    sql: `select lacuna.destroy_erased(request_id) from lacuna.deletion_request`,
  },
  {
    who: 'application role',
    what: 'erases a request without an event',
    outcome: 'prevented',
    by: '23503',
    sql: `insert into lacuna.erasure (erasure_id, request_id, reason, erased_by, erased_at, event_index)
      select gen_random_uuid(), request_id, 'SUBJECT_REQUEST', 'nobody', now(), 1000 from lacuna.deletion_request limit 1`,
  },
  {
    who: 'application role',
    what: 'withdraws a release without an event',
    outcome: 'prevented',
    by: '23503',
    sql: `insert into lacuna.release_withdrawal (release_id, reason, withdrawn_by, withdrawn_at, event_index)
      values (gen_random_uuid(), 'RETIRED', 'nobody', now(), 1000)`,
  },
  {
    who: 'application role',
    what: 'takes a withdrawal back',
    outcome: 'prevented',
    by: '42501',
    sql: `delete from lacuna.release_withdrawal`,
  },
  {
    who: 'application role',
    what: 'switches a trigger off',
    outcome: 'prevented',
    by: '42501',
    sql: `alter table lacuna.entry disable trigger refuse_change`,
  },
  {
    who: 'application role',
    what: 'sets session_replication_role',
    outcome: 'prevented',
    by: '42501',
    sql: `set session_replication_role = replica`,
  },
  {
    who: 'application role',
    what: 'becomes the owner',
    outcome: 'prevented',
    by: '42501',
    sql: `set session authorization lacuna_app; set role lacuna_owner`,
  },
  {
    who: 'application role',
    what: 'moves a head back',
    outcome: 'prevented',
    by: 'LA001',
    sql: `update lacuna.log_head set next_index = 0 where log_id = :log`,
  },
  {
    who: 'application role',
    what: 'moves a head without entries',
    outcome: 'prevented',
    by: 'LA002',
    sql: `update lacuna.log_head set next_index = next_index + 1 where log_id = :log; set constraints all immediate`,
  },
  {
    who: 'application role',
    what: 'inserts an entry with a gap',
    outcome: 'prevented',
    by: 'LA002',
    sql: `insert into lacuna.entry (log_id, leaf_index, leaf, leaf_hash) values (:log, 305, ${LEAF})`,
  },
  {
    who: 'application role',
    what: 'inserts an entry beyond the head',
    outcome: 'prevented',
    by: 'LA002',
    sql: `insert into lacuna.entry (log_id, leaf_index, leaf, leaf_hash) values (:log, 300, ${LEAF})`,
  },
  {
    who: 'application role',
    what: 'inserts a commitment of no entry',
    outcome: 'prevented',
    by: '23503',
    sql: `insert into lacuna.commitment (log_id, leaf_index, request_id, position)
      select :log, 300, request_id, 1 from lacuna.deletion_request limit 1`,
  },
  {
    who: 'application role',
    what: 'inserts commitments, one of them of no request',
    outcome: 'prevented',
    by: '23503',
    sql: `update lacuna.log_head set next_index = 301 where log_id = :log;
      insert into lacuna.entry (log_id, leaf_index, leaf, leaf_hash) values (:log, 300, ${LEAF});
      insert into lacuna.commitment (log_id, leaf_index, request_id, position) values (:log, 300, gen_random_uuid(), 1)`,
  },
  {
    who: 'application role',
    what: 'inserts a subject of no request',
    outcome: 'prevented',
    by: '23503',
    sql: `insert into lacuna.request_subject values (gen_random_uuid(), 's', null, null)`,
  },
  {
    who: 'application role',
    what: 'inserts a commitment into the log of events',
    outcome: 'prevented',
    by: '23503',
    sql: `insert into lacuna.commitment (log_id, leaf_index, request_id, position)
      select log_id, 0, request_id, 1 from lacuna.log, lacuna.deletion_request where kind = 'events' limit 1`,
  },
  {
    who: 'application role',
    what: 'appends an entry that nothing opens',
    outcome: 'detected',
    by: 'commitment_opening.content',
    sql: `update lacuna.log_head set next_index = 301 where log_id = :log;
      insert into lacuna.entry (log_id, leaf_index, leaf, leaf_hash) values (:log, 300, ${LEAF})`,
  },
  {
    who: 'application role',
    what: 'appends a wrong leaf hash',
    outcome: 'detected',
    by: 'entry.leaf',
    sql: `update lacuna.log_head set next_index = 301 where log_id = :log;
      insert into lacuna.entry (log_id, leaf_index, leaf, leaf_hash) values (:log, 300, ${LEAF})`,
  },
  {
    who: 'application role',
    what: 'inserts a tile of its own',
    outcome: 'detected',
    by: 'tile.tile_index',
    sql: `insert into lacuna.tile values (:log, 0, 77, 1, decode(repeat('ab', 32), 'hex'))`,
  },
  {
    who: 'application role',
    what: 'inserts a checkpoint of its own',
    outcome: 'detected',
    by: 'checkpoint.note',
    sql: `insert into lacuna.checkpoint values (:log, 299, decode(repeat('ab', 32), 'hex'), 'not signed', now())`,
  },
  {
    who: 'application role',
    what: 'inserts a fact without an event',
    outcome: 'detected',
    by: 'model.event_index',
    sql: `insert into lacuna.model values (gen_random_uuid(), 'forged', 'loss', now(), 4711)`,
  },
  {
    who: 'owner',
    what: 'edits an entry',
    outcome: 'prevented',
    by: 'LA001',
    sql: `update lacuna.entry set leaf = leaf`,
  },
  {
    who: 'owner',
    what: 'deletes the opening of a commitment',
    outcome: 'prevented',
    by: 'LA001',
    sql: `delete from lacuna.commitment_opening where log_id = :log and leaf_index = 17`,
  },
  {
    who: 'owner',
    what: 'claims an erasure and deletes the opening of a commitment',
    outcome: 'prevented',
    by: 'LA001',
    sql: `set local lacuna.erasing = '00000000-0000-4000-8000-000000000000';
      delete from lacuna.commitment_opening where log_id = :log and leaf_index = 17`,
  },
  {
    who: 'owner',
    what: 'claims an erasure and edits the opening of a commitment',
    outcome: 'prevented',
    by: 'LA001',
    sql: `set local lacuna.erasing = '00000000-0000-4000-8000-000000000000';
      update lacuna.commitment_opening set salt = salt where log_id = :log and leaf_index = 17`,
  },
  {
    who: 'owner',
    what: 'claims an erasure and deletes the subject of a request',
    outcome: 'prevented',
    by: 'LA001',
    sql: `set local lacuna.erasing = '00000000-0000-4000-8000-000000000000'; delete from lacuna.request_subject`,
  },
  {
    who: 'owner',
    what: 'truncates a table',
    outcome: 'prevented',
    by: 'LA001',
    sql: `truncate lacuna.entry cascade`,
  },
  {
    who: 'owner',
    what: 'switches a trigger off',
    outcome: 'prevented',
    by: 'LA003',
    sql: `alter table lacuna.entry disable trigger refuse_change`,
  },
  {
    who: 'owner',
    what: 'claims maintenance and switches a trigger off',
    outcome: 'prevented',
    by: 'LA003',
    sql: `set local lacuna.maintenance = 'on'; alter table lacuna.entry disable trigger refuse_change`,
  },
  {
    who: 'owner',
    what: 'drops a trigger',
    outcome: 'prevented',
    by: 'LA003',
    sql: `drop trigger refuse_change on lacuna.entry`,
  },
  {
    who: 'owner',
    what: 'adds a trigger',
    outcome: 'prevented',
    by: 'LA003',
    sql: `create trigger mine before insert on lacuna.entry for each row execute function suppress_redundant_updates_trigger()`,
  },
  {
    who: 'owner',
    what: 'adds a rule',
    outcome: 'prevented',
    by: 'LA003',
    sql: `create rule mine as on insert to lacuna.entry do instead nothing`,
  },
  {
    who: 'owner',
    what: 'replaces the function of a trigger',
    outcome: 'prevented',
    by: 'LA003',
    sql: `create or replace function lacuna.refuse_change() returns trigger language plpgsql as $$ begin return null; end $$`,
  },
  {
    who: 'owner',
    what: 'drops a table',
    outcome: 'prevented',
    by: 'LA003',
    sql: `drop table lacuna.attestation`,
  },
  {
    who: 'owner',
    what: 'drops a column',
    outcome: 'prevented',
    by: 'LA003',
    sql: `alter table lacuna.event drop column salt`,
  },
  {
    who: 'owner',
    what: 'drops the event trigger',
    outcome: 'prevented',
    by: '42501',
    sql: `drop event trigger lacuna_guard_definitions`,
  },
  {
    who: 'superuser',
    what: 'edits an entry',
    outcome: 'prevented',
    by: 'LA001',
    sql: `update lacuna.entry set leaf = leaf`,
  },
  {
    who: 'superuser',
    what: 'drops a trigger without claiming maintenance',
    outcome: 'prevented',
    by: 'LA003',
    sql: `drop trigger refuse_change on lacuna.entry`,
  },
  {
    who: 'superuser as replica',
    what: 'edits an entry',
    outcome: 'prevented',
    by: 'LA001',
    sql: `update lacuna.entry set leaf = leaf`,
  },
  {
    who: 'superuser as replica',
    what: 'inserts an entry with a gap',
    outcome: 'prevented',
    by: 'LA002',
    sql: `insert into lacuna.entry (log_id, leaf_index, leaf, leaf_hash) values (:log, 305, ${LEAF})`,
  },
  {
    who: 'superuser as replica',
    what: 'inserts a commitment of no entry',
    outcome: 'prevented',
    by: '23503',
    sql: `insert into lacuna.commitment (log_id, leaf_index, request_id, position)
      select :log, 300, request_id, 1 from lacuna.deletion_request limit 1`,
  },
  {
    who: 'superuser as replica',
    what: 'inserts a subject of no request',
    outcome: 'prevented',
    by: '23503',
    sql: `insert into lacuna.request_subject values (gen_random_uuid(), 's', null, null)`,
  },
  {
    who: 'superuser',
    what: 'drops a trigger and edits a leaf',
    outcome: 'detected',
    by: 'entry.leaf',
    sql: `set local lacuna.maintenance = 'on'; drop trigger refuse_change on lacuna.entry;
      update lacuna.entry set leaf = convert_to('{"forged":true}', 'UTF8') where log_id = :log and leaf_index = 17`,
  },
  {
    who: 'superuser',
    what: 'removes an entry in the middle, guards off',
    outcome: 'detected',
    by: 'entry.leaf_index',
    sql: `${off('entry')} ${off('commitment')} delete from lacuna.entry where log_id = :log and leaf_index = 17`,
  },
  {
    who: 'superuser',
    what: 'inserts an entry with a gap, guards off',
    outcome: 'detected',
    by: 'entry.leaf_index',
    sql: `${off('entry')} insert into lacuna.entry (log_id, leaf_index, leaf, leaf_hash) values (:log, 305, ${LEAF})`,
  },
  {
    who: 'superuser',
    what: 'replaces leaf and leaf hash together, guards off',
    outcome: 'detected',
    by: 'tile.hashes',
    sql: `${off('entry')} update lacuna.entry set leaf = convert_to('{"forged":true}', 'UTF8'),
      leaf_hash = sha256('\\x00'::bytea || convert_to('{"forged":true}', 'UTF8')) where log_id = :log and leaf_index = 17`,
  },
  {
    who: 'superuser',
    what: 'removes the opening of a commitment, guards off',
    outcome: 'detected',
    by: 'commitment_opening.content',
    sql: `${off('commitment_opening')} delete from lacuna.commitment_opening where log_id = :log and leaf_index = 17`,
  },
  {
    who: 'superuser',
    what: 'moves a byte from a salt to the next, checks and guards off',
    outcome: 'detected',
    by: 'commitment_opening.salt',
    sql: `${off('commitment_opening')} alter table lacuna.commitment_opening drop constraint commitment_opening_salt_check;
      update lacuna.commitment_opening opening set salt = case leaf_index when 17 then substr(salt, 1, 31)
        else (select substr(salt, 32) from lacuna.commitment_opening before where before.log_id = :log and before.leaf_index = 17) || salt end
      where log_id = :log and leaf_index in (17, 18)`,
  },
  {
    who: 'superuser',
    what: 'edits a tile, guards off',
    outcome: 'detected',
    by: 'tile.hashes',
    sql: `${off('tile')} update lacuna.tile set hashes = overlay(hashes placing '\\x0000'::bytea from 5) where log_id = :log and width = 256`,
  },
  {
    who: 'superuser',
    what: 'edits the root of a checkpoint, guards off',
    outcome: 'detected',
    by: 'checkpoint.root_hash',
    sql: `${off('checkpoint')} update lacuna.checkpoint set root_hash = decode(repeat('ab', 32), 'hex') where log_id = :log and tree_size = 300`,
  },
  {
    who: 'superuser',
    what: 'edits the note of a checkpoint, guards off',
    outcome: 'detected',
    by: 'checkpoint.note',
    sql: `${off('checkpoint')} update lacuna.checkpoint set note = replace(note, E'\\n300\\n', E'\\n301\\n') where log_id = :log and tree_size = 300`,
  },
  {
    who: 'superuser',
    what: 'removes the end of a log, its checkpoints and its tiles, guards off',
    outcome: 'detected',
    by: 'LEDGER_ROLLED_BACK',
    sql: `${['entry', 'commitment', 'commitment_opening', 'tile', 'checkpoint', 'checkpoint_publication', 'log_head'].map(off).join(' ')}
      delete from lacuna.entry where log_id = :log and leaf_index >= 100; delete from lacuna.commitment where log_id = :log and leaf_index >= 100; delete from lacuna.commitment_opening where log_id = :log and leaf_index >= 100;
      delete from lacuna.checkpoint where log_id = :log and tree_size > 100; delete from lacuna.checkpoint_publication where log_id = :log and tree_size > 100;
      delete from lacuna.tile where log_id = :log and not (level = 0 and tile_index = 0 and width = 100);
      update lacuna.log_head set next_index = 100 where log_id = :log`,
  },
];
