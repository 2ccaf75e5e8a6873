-- What answers behind an endpoint may change without a new release. It is asked again; where it changed, the signals of the
-- release begin anew, as its next generation.

set local role lacuna_owner;
set local search_path = lacuna;

alter table signal_block rename column artifact_digest to source_digest;
comment on column signal_block.source_digest is
  'Digest of the artifact; for a release behind an endpoint SHA-256 of "endpoint <artifact digest> <release> <generation>".';

-- Known signals of such releases under their new name; the old rows stay, as do those of references.
insert into signal_block (source_digest, subject_id, block_index, width, values, unscorable, reasons, backend,
    forward_passes, computed_by, computed_at)
  select sha256(convert_to(format('endpoint %s %s 0', encode(source_digest, 'hex'), release_id), 'UTF8')),
    subject_id, block_index, width, values, unscorable, reasons, backend, forward_passes, computed_by, computed_at
  from signal_block join release on artifact_digest = source_digest
  where runtime in ('open-inference', 'openai-completions');

-- Which generation of its release's signals a verification stands on, and scores were made from. 0: what came first.
alter table verification add column generation integer not null default 0 check (generation >= 0);
alter table verification alter column generation drop default;
alter table score_block add column generation integer not null default 0 check (generation >= 0);
alter table score_block alter column generation drop default;

create table drift_check (
  check_id uuid primary key,
  release_id uuid not null references release,
  -- The due time at which it was asked for: one check each.
  due_at timestamptz not null,
  checked_at timestamptz not null,
  -- The generation that was compared; a check that finds a difference ends it.
  generation integer not null check (generation >= 0),
  outcome text not null check (outcome in ('SAME', 'DIFFERENT', 'UNREACHABLE')),
  -- Known signals that were measured again, and those of them that differ or could not be measured any more.
  sampled integer not null check (sampled >= 0),
  differing integer not null check (differing between 0 and sampled),
  largest_difference double precision check (largest_difference >= 0),
  tolerance double precision not null check (tolerance > 0),
  error_code text,
  -- The sample was drawn with it.
  seed bytea not null check (octet_length(seed) = 32),
  checked_by text not null,
  -- The event is written in the same transaction.
  event_index bigint not null unique references event deferrable initially deferred,
  unique (release_id, due_at)
);
create unique index drift_check_generation on drift_check (release_id, generation) where outcome = 'DIFFERENT';
comment on table drift_check is 'Known signals of releases behind endpoints, compared with what the endpoint says now.';

call make_append_only('lacuna.drift_check'::regclass);
