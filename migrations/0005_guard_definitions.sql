-- The guards guard themselves: what keeps the ledger append-only cannot be altered, dropped or switched off by the owner of
-- the tables. Maintenance is for those who could drop this event trigger anyway, and they must say so:
--   set lacuna.maintenance = 'on'
-- A superuser is thereby not prevented but detected; see libs/ledger/README.md.

-- Owned by the login that migrates, not by lacuna_owner, who could replace it.
create function lacuna.guard_definitions() returns event_trigger language plpgsql
set search_path = pg_catalog as $$
declare
  command record;
begin
  if current_setting('lacuna.maintenance', true) = 'on'
    and pg_has_role(session_user, (select evtowner from pg_event_trigger where evtname = 'lacuna_guard_definitions'), 'member')
  then
    return;
  end if;
  if tg_event = 'sql_drop' then
    for command in
      select object_type, object_identity from pg_event_trigger_dropped_objects()
      where not is_temporary and (schema_name = 'lacuna' or object_identity ~ '(^lacuna$| on lacuna\.)')
    loop
      raise exception 'dropping % % is refused: the ledger''s definitions are fixed', command.object_type, command.object_identity
        using errcode = 'LA003';
    end loop;
  else
    for command in
      select command_tag, object_identity from pg_event_trigger_ddl_commands()
      where (schema_name = 'lacuna' or object_identity ~ '(^lacuna$| on lacuna\.)')
        and command_tag not in ('CREATE INDEX', 'CREATE TABLE', 'CREATE SCHEMA', 'COMMENT', 'REINDEX')
    loop
      raise exception '% of % is refused: the ledger''s definitions are fixed', command.command_tag, command.object_identity
        using errcode = 'LA003';
    end loop;
  end if;
end $$;

create event trigger lacuna_guard_definitions on ddl_command_end execute function lacuna.guard_definitions();
create event trigger lacuna_guard_drops on sql_drop execute function lacuna.guard_definitions();
alter event trigger lacuna_guard_definitions enable always;
alter event trigger lacuna_guard_drops enable always;

-- A head without its entries, or entries beyond their head, would stop the log. The head is moved first; entries must then
-- continue the log and end exactly below it, and a head that got no entries is refused when the transaction ends.
set local role lacuna_owner;

create or replace function lacuna.entries_are_contiguous() returns trigger language plpgsql as $$
declare
  gap record;
begin
  select added.log_id, added.first, added.last
    into gap
    from (
      select log_id, min(leaf_index) as first, max(leaf_index) as last, count(*) as count
      from added_rows group by log_id
    ) added
    where added.last - added.first + 1 <> added.count
      or added.first <> coalesce((
        select max(before.leaf_index) + 1 from lacuna.entry before
        where before.log_id = added.log_id and before.leaf_index < added.first
      ), 0)
      or added.last + 1 is distinct from (select head.next_index from lacuna.log_head head where head.log_id = added.log_id)
    limit 1;
  if found then
    raise exception 'entries % to % of log % leave a gap or do not end at its head', gap.first, gap.last, gap.log_id using errcode = 'LA002';
  end if;
  return null;
end $$;

create function lacuna.head_matches_entries() returns trigger language plpgsql as $$
declare
  head bigint;
  entries bigint;
begin
  select next_index into head from lacuna.log_head where log_id = new.log_id;
  select coalesce(max(leaf_index) + 1, 0) into entries from lacuna.entry where log_id = new.log_id;
  if head is distinct from entries then
    raise exception 'log % has % entries, its head says %', new.log_id, entries, head using errcode = 'LA002';
  end if;
  return null;
end $$;
create constraint trigger head_matches_entries after insert or update on lacuna.log_head
  deferrable initially deferred for each row execute function lacuna.head_matches_entries();
alter table lacuna.log_head enable always trigger head_matches_entries;
