-- Raw signals of live models, kept per artifact and block of samples, so that no sample goes through a model twice.

set local role lacuna_owner;
set local search_path = lacuna;

create table signal_block (
  artifact_digest bytea not null check (octet_length(artifact_digest) = 32),
  -- A model's id for its commitment log, or the id of a sample set.
  subject_id uuid not null,
  block_index integer not null check (block_index >= 0),
  width integer not null check (width between 1 and 4096),
  -- Little-endian float64 for each sample: raw signal, NaN where there is none.
  values bytea not null check (octet_length(values) = width * 8),
  unscorable integer not null check (unscorable between 0 and width),
  -- Why signals are missing: positions [from, to) by error code.
  reasons jsonb not null,
  backend text not null,
  forward_passes integer not null check (forward_passes between 0 and width),
  computed_by text not null,
  computed_at timestamptz not null,
  -- A version with fewer missing signals stands beside the older one, as a wider one does.
  primary key (artifact_digest, subject_id, block_index, width, unscorable)
);
comment on table signal_block is 'Signals of one artifact on 4,096 consecutive samples, written once.';
alter table signal_block alter column values set storage external;

call make_append_only('lacuna.signal_block'::regclass);

alter table verification_progress
  add column samples_total bigint not null default 0,
  add column samples_done bigint not null default 0,
  add column samples_reused bigint not null default 0,
  add column target_passes bigint not null default 0,
  add column reference_passes bigint not null default 0,
  add column signals_reused bigint not null default 0;
