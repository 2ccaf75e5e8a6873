-- That a subject is of a known request was held by a foreign key, which looks up a row for each row and took a third of
-- PostgreSQL's time of a small append. As in 0011, the same is held here once a statement, also for a session with
-- session_replication_role = replica. Requests are append-only: none goes away under its subject.

set local role lacuna_owner;
set local search_path = lacuna;

create function subjects_belong() returns trigger language plpgsql as $$
declare
  stray record;
begin
  select added.request_id into stray
    from added_rows added
    -- The offset keeps it a look-up: without, it becomes a join over the whole table.
    where not exists (select from lacuna.deletion_request known where known.request_id = added.request_id offset 0)
    limit 1;
  if found then
    raise exception 'there is no deletion request %', stray.request_id using errcode = '23503';
  end if;
  return null;
end $$;
create trigger subjects_belong after insert on request_subject
  referencing new table as added_rows for each statement execute function subjects_belong();
alter table request_subject enable always trigger subjects_belong;

alter table request_subject drop constraint request_subject_request_id_fkey;
