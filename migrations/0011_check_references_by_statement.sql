-- Foreign keys look up one row for each row that is inserted, and did so four times for every commitment. The same is held
-- here once a statement, also for a session with session_replication_role = replica, in which foreign keys are not checked.
--   entry.log_id: entries_are_contiguous already demands that the entries end at the head of their log, which has a foreign
--     key to log.
--   commitment (log_id, leaf_index): entries are dense up to the head (entries_are_contiguous, head_matches_entries), so an
--     index between 0 and the head is that of an entry.
-- That nothing which is referred to goes away needs no foreign key: all of these tables are append-only.

set local role lacuna_owner;
set local search_path = lacuna;

create function commitments_belong() returns trigger language plpgsql as $$
declare
  stray record;
begin
  select added.log_id, added.first, added.last into stray
    from (
      select log_id, min(leaf_index) as first, max(leaf_index) as last from added_rows group by log_id
    ) added
    left join lacuna.log on log.log_id = added.log_id and log.kind = 'commitments'
    left join lacuna.log_head head on head.log_id = log.log_id
    where added.first < 0 or head.next_index is null or added.last >= head.next_index
    limit 1;
  if found then
    raise exception 'commitments % to % of log % belong to no entry of a commitment log', stray.first, stray.last, stray.log_id
      using errcode = '23503';
  end if;
  select added.request_id into stray
    from (select distinct request_id from added_rows) added
    where not exists (select from lacuna.deletion_request known where known.request_id = added.request_id)
    limit 1;
  if found then
    raise exception 'there is no deletion request %', stray.request_id using errcode = '23503';
  end if;
  return null;
end $$;
create trigger commitments_belong after insert on commitment
  referencing new table as added_rows for each statement execute function commitments_belong();
alter table commitment enable always trigger commitments_belong;

alter table entry drop constraint entry_log_id_fkey;
alter table commitment
  drop constraint commitment_log_id_fkey,
  drop constraint commitment_request_id_fkey,
  drop constraint commitment_log_id_leaf_index_fkey;
