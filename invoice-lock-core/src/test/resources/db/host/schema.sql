create table subscriptions (id bigint primary key, pending boolean not null default true);
insert into subscriptions values (1), (2);
