-- What a deletion request says of a person and of samples lies in rows of its own, which an erasure destroys: the opening
-- of each commitment, the subject, the digest under which a repeated filing is known, and recorded signals that nobody else
-- needs. Such rows are append-only until an erasure of their request stands in the database; then they may go, and nothing else.

set local role lacuna_owner;
set local search_path = lacuna;

-- ---------------------------------------------------------------- the split

create table commitment_opening (
  log_id integer not null,
  leaf_index bigint not null,
  sample_id text not null check (length(sample_id) between 1 and 256),
  content text not null,
  salt bytea not null check (octet_length(salt) = 32),
  primary key (log_id, leaf_index)
);
insert into commitment_opening select log_id, leaf_index, sample_id, content, salt from commitment;
create index commitment_opening_sample on commitment_opening (sample_id, log_id);
comment on table commitment_opening is 'What opens a commitment leaf. Nothing else links a leaf to a person or a sample; an erasure destroys it.';

create table request_subject (
  request_id uuid primary key references deletion_request,
  subject text not null,
  -- Under which idempotency key it was filed: that row holds a digest of the whole request.
  filed_scope text,
  filed_key text,
  check ((filed_scope is null) = (filed_key is null))
);
insert into request_subject
  select request_id, subject, scope, key from deletion_request
  left join idempotency_key on scope = 'deletion-request' and (response -> 'value' ->> 'requestId')::uuid = request_id;
comment on table request_subject is 'Whom a deletion request is about; an erasure destroys it.';

-- The column types do not change, but the expressions make PostgreSQL write every row again: a dropped column would
-- otherwise stay in the rows that were there.
alter table commitment drop column sample_id, drop column content, drop column salt, alter column position type integer using (position + 0);
alter table deletion_request drop column subject, alter column regime type text using (regime || '');
comment on table commitment is 'Which request each commitment leaf belongs to.';

-- ---------------------------------------------------------------- erasures

create table erasure (
  erasure_id uuid primary key,
  request_id uuid not null unique references deletion_request,
  reason text not null check (reason in ('SUBJECT_REQUEST', 'RETENTION_ENDED', 'LEGAL_ORDER', 'FILED_IN_ERROR')),
  erased_by text not null,
  erased_at timestamptz not null,
  -- The event is written in the same transaction, after this row.
  event_index bigint not null unique references event deferrable initially deferred
);
comment on table erasure is 'Deletion requests whose openings, subject and signals were destroyed.';

create table erased_signals (
  erasure_id uuid not null references erasure,
  recording_id uuid not null references recording,
  rows_erased integer not null check (rows_erased > 0),
  -- What the recording holds afterwards: number of rows, and their digest in the form of recording.digest.
  rows_left integer not null check (rows_left >= 0),
  digest_left bytea not null check (octet_length(digest_left) = 32),
  primary key (erasure_id, recording_id)
);
create index erased_signals_recording on erased_signals (recording_id);
comment on table erased_signals is 'How many rows an erasure took from which recording, and what remained.';

call make_append_only('lacuna.erasure');
call make_append_only('lacuna.erased_signals');

-- ---------------------------------------------------------------- what an erasure may destroy

-- The request whose erasure is being carried out, by `destroy_erased` below; null at all other times.
create function erasing() returns uuid language sql stable as $$
  select nullif(current_setting('lacuna.erasing', true), '')::uuid
$$;

-- Statement trigger; its argument is the one operation that an erasure needs.
create function refuse_unless_erasing() returns trigger language plpgsql as $$
begin
  if tg_op = tg_argv[0] and lacuna.erasing() is not null then
    return null;
  end if;
  raise exception 'lacuna.% is append-only: % is refused', tg_table_name, tg_op using errcode = 'LA001';
end $$;

create function only_erased_opening() returns trigger language plpgsql as $$
begin
  if exists (
    select from lacuna.commitment join lacuna.erasure using (request_id)
    where commitment.log_id = old.log_id and commitment.leaf_index = old.leaf_index and request_id = lacuna.erasing()
  ) then
    return old;
  end if;
  raise exception 'the opening of leaf % of log % belongs to no erased request', old.leaf_index, old.log_id using errcode = 'LA001';
end $$;

create function only_erased_subject() returns trigger language plpgsql as $$
begin
  if old.request_id = lacuna.erasing() and exists (select from lacuna.erasure where request_id = old.request_id) then
    return old;
  end if;
  raise exception 'the subject of request % belongs to no erased request', old.request_id using errcode = 'LA001';
end $$;

-- Signals go before the openings that say whose they are.
create function only_erased_signal() returns trigger language plpgsql as $$
begin
  if exists (
    select from lacuna.commitment_opening opening
    join lacuna.commitment using (log_id, leaf_index) join lacuna.erasure using (request_id)
    where opening.sample_id = old.sample_id and request_id = lacuna.erasing()
  ) then
    return old;
  end if;
  raise exception 'a signal of recording % belongs to no erased request', old.recording_id using errcode = 'LA001';
end $$;

-- The digest becomes zeros: the key stays known, so that a repeat is refused and never filed again.
create function only_erased_digest() returns trigger language plpgsql as $$
begin
  if new.content_digest = decode(repeat('00', 32), 'hex')
    and (new.scope, new.key, new.response, new.created_at) is not distinct from (old.scope, old.key, old.response, old.created_at)
    and exists (
      select from lacuna.request_subject join lacuna.erasure using (request_id)
      where filed_scope = old.scope and filed_key = old.key and request_id = lacuna.erasing()
    )
  then
    return new;
  end if;
  raise exception 'idempotency key % of % belongs to no erased request', old.key, old.scope using errcode = 'LA001';
end $$;

create procedure make_erasable(target regclass, operation text, row_check text) language plpgsql as $$
begin
  execute format('create trigger refuse_change before update or delete on %s for each statement execute function lacuna.refuse_unless_erasing(%L)', target, operation);
  execute format('create trigger %I before update or delete on %s for each row execute function lacuna.%I()', row_check, target, row_check);
  execute format('create trigger refuse_truncate before truncate on %s for each statement execute function lacuna.refuse_change()', target);
  execute format('alter table %s enable always trigger refuse_change', target);
  execute format('alter table %s enable always trigger %I', target, row_check);
  execute format('alter table %s enable always trigger refuse_truncate', target);
  execute format('grant select, insert on %s to lacuna_app', target);
end $$;

drop trigger refuse_change on recorded_signal;
drop trigger refuse_truncate on recorded_signal;
drop trigger refuse_change on idempotency_key;
drop trigger refuse_truncate on idempotency_key;
call make_erasable('lacuna.commitment_opening', 'DELETE', 'only_erased_opening');
call make_erasable('lacuna.request_subject', 'DELETE', 'only_erased_subject');
call make_erasable('lacuna.recorded_signal', 'DELETE', 'only_erased_signal');
call make_erasable('lacuna.idempotency_key', 'UPDATE', 'only_erased_digest');

-- Models whose artifacts or sample sets a recording belongs to.
create view recording_model as
  select recording_id, model_id from artifact_recording join release on release_id = artifact_id
  union
  select recording_id, model_id from artifact_recording join reference on reference_id = artifact_id
  union
  select recording_id, model_id from sample_set where recording_id is not null;
grant select on recording_model to lacuna_app;

-- Recorded signals of a request's samples that no other request's living commitment and no sample set needs: judged by
-- the models of the recording, or by all of them where it is attached to none.
create function erasable_signals(request uuid) returns table (recording_id uuid, sample_id text)
language sql stable as $$
  with mine as materialized (
    select distinct log.model_id, opening.sample_id
    from lacuna.commitment join lacuna.commitment_opening opening using (log_id, leaf_index) join lacuna.log using (log_id)
    where commitment.request_id = $1
  ), needed as materialized (
    select log.model_id, opening.sample_id
    from lacuna.commitment_opening opening join lacuna.commitment using (log_id, leaf_index) join lacuna.log using (log_id)
    where opening.sample_id in (select mine.sample_id from mine) and commitment.request_id <> $1
    union
    select sample_set.model_id, member.sample_id
    from lacuna.sample_set join lacuna.sample_set_member member using (sample_set_id)
    where member.sample_id in (select mine.sample_id from mine)
  )
  select signal.recording_id, signal.sample_id
  from (select distinct mine.sample_id from mine) wanted
  cross join lacuna.recording
  join lacuna.recorded_signal signal
    on signal.recording_id = recording.recording_id and signal.sample_id = wanted.sample_id
  where (
      not exists (select from lacuna.recording_model held where held.recording_id = recording.recording_id)
      and not exists (select from needed where needed.sample_id = wanted.sample_id)
    ) or (
      exists (
        select from lacuna.recording_model held join mine using (model_id)
        where held.recording_id = recording.recording_id and mine.sample_id = wanted.sample_id)
      and not exists (
        select from lacuna.recording_model held join needed using (model_id)
        where held.recording_id = recording.recording_id and needed.sample_id = wanted.sample_id)
    )
$$;

-- Carries out the erasure of a request, whose row must be there, and says how many signals went from which recording. The
-- application role may call this and has no right to delete or change anything itself.
create function destroy_erased(request uuid) returns table (recording_id uuid, rows_erased integer)
language plpgsql security definer set search_path = pg_catalog as $$
begin
  perform set_config('lacuna.erasing', request::text, true);
  return query
    with gone as (
      delete from lacuna.recorded_signal signal using lacuna.erasable_signals(request) erasable
      where signal.recording_id = erasable.recording_id and signal.sample_id = erasable.sample_id
      returning signal.recording_id
    )
    select gone.recording_id, count(*)::integer from gone group by gone.recording_id;
  update lacuna.idempotency_key known set content_digest = decode(repeat('00', 32), 'hex')
    from lacuna.request_subject filed
    where filed.request_id = request and known.scope = filed.filed_scope and known.key = filed.filed_key;
  delete from lacuna.commitment_opening opening using lacuna.commitment
    where commitment.request_id = request and opening.log_id = commitment.log_id and opening.leaf_index = commitment.leaf_index;
  delete from lacuna.request_subject subject where subject.request_id = request;
  perform set_config('lacuna.erasing', '', true);
end $$;
revoke execute on function destroy_erased(uuid) from public;
grant execute on function destroy_erased(uuid) to lacuna_app;
