-- The host's own tables, by the host's own Flyway. The journal is beside them, in a schema with a history of its own.
create table customers (
    id              bigint generated always as identity primary key,
    stripe_customer text not null,
    payment_method  text not null
);

create table invoices (
    id             bigint generated always as identity primary key,
    customer_id    bigint      not null references customers,
    amount_cents   bigint      not null check (amount_cents > 0),
    currency       text        not null default 'eur',
    pending        boolean     not null default true,
    created_at     timestamptz not null default now(),
    billed_at      timestamptz,
    payment_intent text
);
create index invoices_pending on invoices (created_at, id) where pending;
