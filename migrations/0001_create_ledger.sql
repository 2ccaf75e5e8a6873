-- The ledger: logs, their entries, tiles and checkpoints, and every fact that an entry commits to.
-- Everything here is append-only for the application role, for the owner and for a superuser session.
-- Tables of running state (queue, progress, schedules) are in 0002.

do $$
begin
  if not exists (select from pg_roles where rolname = 'lacuna_owner') then
    create role lacuna_owner nologin;
  end if;
  if not exists (select from pg_roles where rolname = 'lacuna_app') then
    create role lacuna_app nologin;
  end if;
exception
  -- Roles belong to the whole server: another database's migration may create them in the same moment.
  when duplicate_object or unique_violation then null;
end $$;

do $$
begin
  execute format('grant lacuna_app to %I', current_user);
  execute format('grant lacuna_owner to %I', current_user);
end $$;

grant usage, create on schema lacuna to lacuna_owner;
grant usage on schema lacuna to lacuna_app;

set local role lacuna_owner;
set local search_path = lacuna;

-- ---------------------------------------------------------------- append-only

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'lacuna.% is append-only: % is refused', tg_table_name, tg_op using errcode = 'LA001';
end $$;

create procedure make_append_only(target regclass) language plpgsql as $$
begin
  -- Statement triggers: refused even where no row would match.
  execute format('create trigger refuse_change before update or delete on %s for each statement execute function lacuna.refuse_change()', target);
  execute format('create trigger refuse_truncate before truncate on %s for each statement execute function lacuna.refuse_change()', target);
  -- ALWAYS: also in a session with session_replication_role = replica.
  execute format('alter table %s enable always trigger refuse_change', target);
  execute format('alter table %s enable always trigger refuse_truncate', target);
  execute format('grant select, insert on %s to lacuna_app', target);
end $$;

-- ---------------------------------------------------------------- logs

create table log (
  log_id integer generated always as identity primary key,
  origin text not null unique,
  kind text not null check (kind in ('commitments', 'events')),
  model_id uuid unique,
  created_at timestamptz not null default now(),
  check ((kind = 'commitments') = (model_id is not null))
);
comment on table log is 'One Merkle log: the commitments of one model, or the events of the ledger.';

-- Not a record but the coordinates of the next one: the row whose lock orders all appends to a log.
create table log_head (
  log_id integer primary key references log,
  next_index bigint not null check (next_index >= 0)
);
comment on table log_head is 'Next leaf index of each log; its row lock is the sequencer''s lock.';

create function head_moves_forward() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' and new.log_id = old.log_id and new.next_index >= old.next_index then
    return new;
  end if;
  raise exception 'lacuna.log_head only moves forward: % is refused', tg_op using errcode = 'LA001';
end $$;
create trigger head_moves_forward before update or delete on log_head for each row execute function head_moves_forward();
create trigger refuse_truncate before truncate on log_head for each statement execute function refuse_change();
alter table log_head enable always trigger head_moves_forward;
alter table log_head enable always trigger refuse_truncate;
grant select, insert, update on log_head to lacuna_app;

create table entry (
  log_id integer not null references log,
  leaf_index bigint not null check (leaf_index >= 0),
  leaf bytea not null check (octet_length(leaf) between 1 and 65535),
  leaf_hash bytea not null check (octet_length(leaf_hash) = 32),
  appended_at timestamptz not null default now(),
  primary key (log_id, leaf_index)
);
comment on table entry is 'Leaf and RFC 6962 leaf hash at each index; leaves hold salted commitments only.';

-- Dense indexes: every statement continues exactly where the log ended.
create function entries_are_contiguous() returns trigger language plpgsql as $$
declare
  gap record;
begin
  select added.log_id, added.first, added.count, added.last, (
      select max(before.leaf_index) from lacuna.entry before
      where before.log_id = added.log_id and before.leaf_index < added.first
    ) as previous
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
    limit 1;
  if found then
    raise exception 'log % has no entry before index %: the append would leave a gap', gap.log_id, gap.first using errcode = 'LA002';
  end if;
  return null;
end $$;
create trigger entries_are_contiguous after insert on entry
  referencing new table as added_rows for each statement execute function entries_are_contiguous();
alter table entry enable always trigger entries_are_contiguous;

create table tile (
  log_id integer not null references log,
  level smallint not null check (level between 0 and 7),
  tile_index bigint not null check (tile_index >= 0),
  width smallint not null check (width between 1 and 256),
  hashes bytea not null check (octet_length(hashes) = width * 32),
  primary key (log_id, level, tile_index, width)
);
comment on table tile is 'C2SP tlog-tiles: 256-wide slices of the tree, and the partial ones each checkpoint needs.';

create table checkpoint (
  log_id integer not null references log,
  tree_size bigint not null check (tree_size >= 0),
  root_hash bytea not null check (octet_length(root_hash) = 32),
  note text not null,
  signed_at timestamptz not null,
  primary key (log_id, tree_size)
);
comment on table checkpoint is 'Signed C2SP checkpoints, at most one for each tree size.';

create table idempotency_key (
  scope text not null,
  key text not null check (length(key) between 1 and 200),
  content_digest bytea not null check (octet_length(content_digest) = 32),
  response jsonb not null,
  created_at timestamptz not null default now(),
  primary key (scope, key)
);
comment on table idempotency_key is 'Exact idempotency: same key and content give the stored response.';

-- ---------------------------------------------------------------- what the event log commits to

create table event (
  leaf_index bigint primary key,
  type text not null,
  subject_id uuid not null,
  content text not null,
  salt bytea not null check (octet_length(salt) = 32)
);
create index event_subject on event (subject_id, leaf_index);
comment on table event is 'Opening of each event-log leaf: canonical JSON and its salt.';

create table recording (
  recording_id uuid primary key,
  digest bytea not null check (octet_length(digest) = 32),
  signal_kind text not null check (signal_kind in ('probability', 'loss')),
  row_count integer not null check (row_count > 0),
  uploaded_by text not null,
  uploaded_at timestamptz not null
);
comment on table recording is 'One uploaded file of recorded signals; its digest is over all rows in order of sample id.';

create table recorded_signal (
  recording_id uuid not null references recording,
  sample_id text not null check (length(sample_id) between 1 and 256),
  line integer not null,
  value double precision not null,
  primary key (recording_id, sample_id)
);
comment on table recorded_signal is 'One raw signal of one model on one sample.';

create table model (
  model_id uuid primary key,
  name text not null unique,
  signal_kind text not null check (signal_kind in ('probability', 'loss')),
  registered_at timestamptz not null,
  event_index bigint not null unique
);

create table reference (
  reference_id uuid primary key,
  model_id uuid not null references model,
  role text not null check (role in ('original', 'shadow')),
  name text not null,
  artifact_digest bytea not null check (octet_length(artifact_digest) = 32),
  runtime text not null,
  registered_at timestamptz not null,
  event_index bigint not null unique,
  unique (model_id, name)
);
create unique index reference_one_original on reference (model_id) where role = 'original';

create table release (
  release_id uuid primary key,
  model_id uuid not null references model,
  ordinal integer not null check (ordinal >= 0),
  name text not null,
  artifact_digest bytea not null check (octet_length(artifact_digest) = 32),
  runtime text not null,
  -- Commitments acknowledged when the release was registered: every verification of it covers at least these.
  committed_before bigint not null,
  registered_at timestamptz not null,
  event_index bigint not null unique,
  unique (model_id, name),
  unique (model_id, ordinal)
);

-- Recorded signals belong to a release or a reference; later parts add samples that came later.
create table artifact_recording (
  artifact_id uuid not null,
  part integer not null check (part >= 0),
  recording_id uuid not null references recording,
  event_index bigint not null unique,
  primary key (artifact_id, part)
);

create table sample_set (
  sample_set_id uuid primary key,
  model_id uuid not null references model,
  role text not null check (role in ('calibration', 'controls')),
  name text not null,
  size integer not null check (size > 0),
  digest bytea not null check (octet_length(digest) = 32),
  -- Signals of a trusted, never-trained model on a frozen calibration set; null: scored under each release.
  recording_id uuid references recording,
  trusted_under text,
  registered_at timestamptz not null,
  event_index bigint not null unique,
  unique (model_id, name),
  check ((recording_id is null) = (trusted_under is null))
);

create table sample_set_member (
  sample_set_id uuid not null references sample_set,
  position integer not null check (position >= 0),
  sample_id text not null check (length(sample_id) between 1 and 256),
  primary key (sample_set_id, position),
  unique (sample_set_id, sample_id)
);

create table profile (
  profile_id uuid primary key,
  model_id uuid not null references model,
  ordinal integer not null check (ordinal >= 0),
  digest bytea not null unique check (octet_length(digest) = 32),
  document text not null,
  frozen_at timestamptz not null,
  event_index bigint not null unique,
  unique (model_id, ordinal)
);
comment on table profile is 'Measurement profile: canonical JSON of everything that turns signals into verdicts; digest is its SHA-256.';

-- ---------------------------------------------------------------- what the commitment logs commit to

create table deletion_request (
  request_id uuid primary key,
  subject text not null,
  regime text not null,
  received_at timestamptz not null,
  due_at timestamptz not null,
  filed_by text not null,
  filed_at timestamptz not null,
  sample_count integer not null check (sample_count > 0)
);
create index deletion_request_filed on deletion_request (filed_at, request_id);

create table commitment (
  log_id integer not null references log,
  leaf_index bigint not null,
  request_id uuid not null references deletion_request,
  sample_id text not null check (length(sample_id) between 1 and 256),
  -- 1 for the first of the request's commitments in this log.
  position integer not null check (position >= 1),
  content text not null,
  salt bytea not null check (octet_length(salt) = 32),
  primary key (log_id, leaf_index),
  foreign key (log_id, leaf_index) references entry
);
create index commitment_request on commitment (request_id);
create index commitment_sample on commitment (log_id, sample_id);
comment on table commitment is 'Opening of each commitment leaf. Nothing else links a leaf to a person or a sample.';

-- ---------------------------------------------------------------- what verifications produce

create table verification (
  verification_id uuid primary key,
  release_id uuid not null references release,
  profile_id uuid not null references profile,
  tree_size bigint not null check (tree_size >= 0),
  cause text not null check (cause in ('release', 'commitments', 'schedule', 'operator', 'signals')),
  requested_at timestamptz not null
);
create index verification_release on verification (release_id, requested_at);

create table score_block (
  release_id uuid not null references release,
  profile_id uuid not null references profile,
  -- 'commitments', or the sample set (controls, same-release calibration) by its id.
  subject text not null,
  block_index integer not null check (block_index >= 0),
  width integer not null check (width between 1 and 4096),
  -- Digest of the recordings that were known: a block with unscorable samples is scored again when it changes.
  inputs bytea not null check (octet_length(inputs) = 32),
  -- Little-endian int32 for each sample: completeness score in millionths, -1 unscorable.
  scores bytea not null check (octet_length(scores) = width * 4),
  unscorable integer not null check (unscorable >= 0),
  signals_read integer not null,
  forward_passes integer not null,
  computed_by text not null,
  computed_at timestamptz not null,
  primary key (release_id, profile_id, subject, block_index, width, inputs)
);
comment on table score_block is 'Scores of 4,096 consecutive samples, written once for each release and profile.';

create table verification_outcome (
  verification_id uuid primary key references verification,
  result text not null check (result in ('PASSED', 'FAILED', 'INCONCLUSIVE')),
  result_root bytea not null check (octet_length(result_root) = 32),
  -- Everything of the attested predicate that is not a fact of another table.
  summary jsonb not null,
  concluded_at timestamptz not null
);

create table result_block (
  verification_id uuid not null references verification,
  block_index integer not null check (block_index >= 0),
  -- One canonical JSON result leaf a line.
  leaves text not null,
  primary key (verification_id, block_index)
);

create table request_result (
  verification_id uuid not null references verification,
  request_id uuid not null references deletion_request,
  verdict text not null,
  sample_count integer not null,
  statistic double precision,
  p_residual double precision,
  p_member double precision,
  p_over double precision,
  primary key (verification_id, request_id)
);
create index request_result_request on request_result (request_id);

create table attestation (
  attestation_id uuid primary key,
  verification_id uuid not null unique references verification,
  model_id uuid not null references model,
  ordinal integer not null check (ordinal >= 0),
  jws text not null,
  dsse text not null,
  digest bytea not null unique check (octet_length(digest) = 32),
  previous_digest bytea check (octet_length(previous_digest) = 32),
  issued_at timestamptz not null,
  expires_at timestamptz not null,
  event_index bigint not null unique,
  unique (model_id, ordinal)
);

do $$
declare
  name text;
begin
  foreach name in array array[
    'log', 'entry', 'tile', 'checkpoint', 'idempotency_key', 'event', 'recording', 'recorded_signal', 'model',
    'reference', 'release', 'artifact_recording', 'sample_set', 'sample_set_member', 'profile', 'deletion_request',
    'commitment', 'verification', 'score_block', 'verification_outcome', 'result_block', 'request_result', 'attestation'
  ] loop
    call make_append_only(format('lacuna.%I', name)::regclass);
  end loop;
end $$;
