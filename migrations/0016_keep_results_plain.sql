-- Result leaves are half random: compressing a block of them takes PostgreSQL 25 ms, four times as long as storing it, and
-- halves it at best. Blocks of before stay as they are.

set local role lacuna_owner;
set local search_path = lacuna;

alter table result_block alter column leaves set storage external;
