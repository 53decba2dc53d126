create type invoice_status as enum ('draft', 'open', 'paid', 'uncollectible', 'void');
create table customers (
    id               text primary key,
    invoice_settings jsonb not null
);
create table invoices (
    id         text primary key,
    customer   text not null references customers,
    status     invoice_status not null default 'draft',
    currency   text not null,
    amount_due bigint not null,
    lines      jsonb not null,
    created    timestamptz not null default now()
);
create table charges (
    id       bigint generated always as identity primary key,
    charge   text not null,
    invoice  text not null references invoices,
    customer text not null,
    amount   bigint not null,
    currency text not null,
    created  timestamptz not null default now()
);
create index on charges (invoice);
create index invoices_open on invoices (created, id) where status = 'open';

insert into customers
select 'cus_' || c, jsonb_build_object('default_payment_method', 'pm_' || c || '_0') from generate_series(0, 9) c;
