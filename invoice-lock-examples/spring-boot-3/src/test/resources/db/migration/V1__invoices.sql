create table invoices (id bigint primary key, pending boolean not null default true);
create index on invoices (id) where pending;
insert into invoices select g from generate_series(1, 5) g;
