-- Sample payloads: encrypted, erasable. That they were stored is a fact of the event log (vault_segment); what was stored is
-- not append-only, because it must be possible to destroy it.

set local role lacuna_owner;
set local search_path = lacuna;

create table vault_segment (
  segment_id uuid primary key,
  model_id uuid not null references model,
  sample_count integer not null check (sample_count between 1 and 4096),
  -- SHA-256 over the SHA-256 of each ciphertext, in order of slots.
  digest bytea not null check (octet_length(digest) = 32),
  stored_at timestamptz not null,
  event_index bigint not null unique
);
comment on table vault_segment is 'Up to 4,096 sample payloads of one model that were stored together.';
call make_append_only('lacuna.vault_segment');

create table vault_content (
  segment_id uuid primary key references vault_segment,
  -- Which key-encryption key wraps the segment's key.
  key_id text not null,
  wrapped_key bytea not null,
  -- Boxes of 64 data keys each, sealed under the segment's key; a destroyed data key is all zero.
  data_keys bytea not null,
  ciphertexts bytea not null,
  item_digests bytea not null,
  erased_count integer not null default 0 check (erased_count >= 0)
);
-- Ciphertext does not compress, and uncompressed values can be read in part.
alter table vault_content alter column data_keys set storage external;
alter table vault_content alter column ciphertexts set storage external;
alter table vault_content alter column item_digests set storage external;
create index vault_content_key on vault_content (key_id);
comment on table vault_content is 'Sealed payloads and wrapped keys of a segment; erasing a sample overwrites its share.';

-- No foreign keys: a million rows come with one upload, each made beside its segment in one transaction.
create table vault_item (
  model_id uuid not null,
  sample_id text not null check (length(sample_id) between 1 and 256),
  segment_id uuid not null,
  slot smallint not null check (slot between 0 and 4095),
  start integer not null check (start >= 0),
  length integer not null check (length >= 16),
  primary key (model_id, sample_id)
);
create index vault_item_segment on vault_item (segment_id);
comment on table vault_item is 'Where the payload of a sample lies; deleted when the sample is erased.';

grant select, insert, update (key_id, wrapped_key, data_keys, ciphertexts, erased_count) on vault_content to lacuna_app;
grant select, insert, delete on vault_item to lacuna_app;
