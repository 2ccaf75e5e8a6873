-- Models as files, in the database, where every worker finds them; and endpoints as declared. Named by the digest of their
-- manifest, stored once whatever holds them.

set local role lacuna_owner;
set local search_path = lacuna;

create table artifact (
  -- SHA-256 of `manifest`.
  artifact_digest bytea primary key check (octet_length(artifact_digest) = 32),
  manifest text not null,
  stored_by text not null,
  stored_at timestamptz not null
);
comment on table artifact is 'A model: canonical JSON of its declaration and its files.';

create table artifact_file (
  artifact_digest bytea not null references artifact,
  path text not null,
  sha256 bytea not null check (octet_length(sha256) = 32),
  size_bytes bigint not null check (size_bytes >= 0),
  primary key (artifact_digest, path)
);
comment on table artifact_file is 'The files of each artifact, as its manifest has them.';

create table artifact_chunk (
  sha256 bytea not null check (octet_length(sha256) = 32),
  part integer not null check (part >= 0),
  bytes bytea not null,
  primary key (sha256, part)
);
-- Weights hardly compress.
alter table artifact_chunk alter column bytes set storage external;
comment on table artifact_chunk is 'Contents of files, by their SHA-256, in parts of a mebibyte.';

do $$
declare
  name text;
begin
  foreach name in array array['artifact', 'artifact_file', 'artifact_chunk'] loop
    call make_append_only(format('lacuna.%I', name)::regclass);
  end loop;
end $$;
