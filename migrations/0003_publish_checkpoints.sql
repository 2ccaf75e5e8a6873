-- Signing and publishing are two steps: a signed checkpoint is published when the witness policy is met, or at once
-- where there is none. Only published checkpoints are served, proven against and attested.

set local role lacuna_owner;
set local search_path = lacuna;

create table checkpoint_cosignature (
  log_id integer not null,
  tree_size bigint not null,
  -- The witness's verifier key: its name and key id as on the signature line.
  key_name text not null,
  key_id bigint not null check (key_id between 0 and 4294967295),
  -- The signature line, with its newline, as it goes below the checkpoint's own.
  line text not null check (line like '— %' and right(line, 1) = E'\n'),
  received_at timestamptz not null,
  primary key (log_id, tree_size, key_name, key_id),
  foreign key (log_id, tree_size) references checkpoint
);
create index checkpoint_cosignature_key on checkpoint_cosignature (log_id, key_name, key_id, tree_size);
comment on table checkpoint_cosignature is 'Verified C2SP cosignatures of witnesses, the first of each for each checkpoint.';

create table checkpoint_publication (
  log_id integer not null,
  tree_size bigint not null,
  published_at timestamptz not null,
  primary key (log_id, tree_size),
  foreign key (log_id, tree_size) references checkpoint
);
comment on table checkpoint_publication is 'Which checkpoints may be shown to anybody, since when.';

-- Until now signing was publishing.
insert into checkpoint_publication select log_id, tree_size, signed_at from checkpoint;

call make_append_only('lacuna.checkpoint_cosignature');
call make_append_only('lacuna.checkpoint_publication');
