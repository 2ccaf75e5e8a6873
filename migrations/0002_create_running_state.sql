-- State of work in progress. Nothing here is evidence: losing it costs work, never a record.

create schema if not exists pgboss authorization lacuna_app;

set local role lacuna_owner;
set local search_path = lacuna;

create table verification_progress (
  verification_id uuid primary key references verification,
  status text not null check (status in ('PLANNED', 'SCORING', 'CONCLUDING', 'CONCLUDED', 'ATTESTED', 'FAILED')),
  blocks_total integer not null default 0,
  blocks_done integer not null default 0,
  blocks_reused integer not null default 0,
  signals_read bigint not null default 0,
  forward_passes bigint not null default 0,
  error_code text,
  error_message text,
  started_at timestamptz,
  finished_at timestamptz
);
comment on table verification_progress is 'How far each verification has come.';

create table schedule_run (
  schedule text not null,
  due_at timestamptz not null,
  ran_at timestamptz not null default now(),
  summary jsonb not null,
  primary key (schedule, due_at)
);
comment on table schedule_run is 'Which due times of which schedule were served, by whichever daemon.';

grant select, insert, update on verification_progress to lacuna_app;
grant select, insert on schedule_run to lacuna_app;
