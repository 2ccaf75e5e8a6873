-- Releases end: one is withdrawn, or another takes its place. Facts beside the release, which itself never changes.

set local role lacuna_owner;
set local search_path = lacuna;

create table release_withdrawal (
  release_id uuid primary key references release,
  reason text not null
    check (reason in ('RESIDUE_FOUND', 'DEFECTIVE', 'LEGAL_ORDER', 'RETIRED', 'REGISTERED_IN_ERROR')),
  withdrawn_by text not null,
  withdrawn_at timestamptz not null,
  -- The event is written in the same transaction, after this row.
  event_index bigint not null unique references event deferrable initially deferred
);
comment on table release_withdrawal is 'Releases that are not in use any more, and why.';

create table release_supersession (
  release_id uuid primary key references release,
  successor_id uuid not null references release check (successor_id <> release_id),
  superseded_by text not null,
  superseded_at timestamptz not null,
  event_index bigint not null unique references event deferrable initially deferred
);
comment on table release_supersession is 'Releases whose place another release of the model took; superseded_by is who said so.';

call make_append_only('lacuna.release_withdrawal');
call make_append_only('lacuna.release_supersession');

-- The one definition of what may be current: the model's live release with the highest ordinal is.
create view live_release as
  select release.* from release
  where not exists (select from release_withdrawal ended where ended.release_id = release.release_id)
    and not exists (select from release_supersession ended where ended.release_id = release.release_id);
comment on view live_release is 'Releases that are neither withdrawn nor superseded.';
grant select on live_release to lacuna_app;
