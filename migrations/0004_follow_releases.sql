-- What is followed over the releases of one model: the error budget of its alarms, and requests that came back.

set local role lacuna_owner;
set local search_path = lacuna;

create table error_budget_spend (
  -- Each release spends once: by its first verification that had a request to test.
  release_id uuid primary key references release,
  verification_id uuid not null unique references verification,
  rule text not null,
  target double precision not null check (target > 0 and target < 1),
  horizon integer not null check (horizon >= 1),
  epoch integer not null check (epoch >= 0),
  -- The release's place among the model's releases in its epoch, from 0.
  place integer not null check (place >= 0 and place < horizon),
  -- Alarms of earlier releases of the epoch that were known.
  alarms_before integer not null check (alarms_before >= 0),
  p_value double precision not null check (p_value between 0 and 1),
  level double precision not null check (level > 0),
  alarm boolean not null check (alarm = (p_value <= level)),
  spent_at timestamptz not null
);
comment on table error_budget_spend is 'What each release was held to, so that many sound releases do not make many alarms.';

create table recurrence (
  recurrence_id uuid primary key,
  model_id uuid not null references model,
  request_id uuid not null references deletion_request,
  verification_id uuid not null references verification,
  first_bad_release uuid not null references release,
  last_clean_release uuid not null references release,
  -- Releases in between without a clear verdict, in order: a JSON array of ids.
  unclear_releases jsonb not null,
  detected_at timestamptz not null,
  event_index bigint not null unique,
  unique (request_id, first_bad_release)
);
create index recurrence_model on recurrence (model_id, event_index);
comment on table recurrence is 'Requests that were clean under a release and show residual evidence under a later one.';

do $$
declare
  name text;
begin
  foreach name in array array['error_budget_spend', 'recurrence'] loop
    call make_append_only(format('lacuna.%I', name)::regclass);
  end loop;
end $$;
