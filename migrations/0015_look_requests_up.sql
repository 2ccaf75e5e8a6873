-- Whether requests are known is looked up request by request, as they are few in a statement: the plan of before read all
-- requests of the database for each group of appends.

set local role lacuna_owner;
set local search_path = lacuna;

create or replace function commitments_belong() returns trigger language plpgsql as $$
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
    -- The offset keeps it a look-up: without, it becomes a join over the whole table.
    where not exists (select from lacuna.deletion_request known where known.request_id = added.request_id offset 0)
    limit 1;
  if found then
    raise exception 'there is no deletion request %', stray.request_id using errcode = '23503';
  end if;
  return null;
end $$;
