-- Samples of a calibration set or of the controls may stick together (chunks of one document, photos of one person). The
-- cluster of each is then part of the set: its digest is over samples and clusters, and whole clusters can be compared.

set local lacuna.maintenance = 'on';
set local role lacuna_owner;
set local search_path = lacuna;

-- Null: the samples were registered singly.
alter table sample_set add column cluster_count integer check (cluster_count between 1 and size);
alter table sample_set_member add column cluster_id text check (length(cluster_id) between 1 and 256);
comment on column sample_set_member.cluster_id is 'Samples with one id stick together; null in a set without clusters.';
