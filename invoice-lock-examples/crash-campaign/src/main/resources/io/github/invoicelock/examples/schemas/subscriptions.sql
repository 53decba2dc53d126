create schema billing;
create table billing.customers (
    id                   uuid primary key,
    external_id          text not null unique,
    currency             text not null,
    provider_customer_id text not null
);
create table billing.invoices (
    id                  uuid primary key,
    customer_id         uuid not null references billing.customers,
    number              text not null unique,
    issuing_date        date not null,
    payment_due_date    date not null,
    status              text not null check (status in ('draft', 'finalized', 'voided')),
    payment_status      text not null default 'pending' check (payment_status in ('pending', 'succeeded', 'failed')),
    currency            text not null,
    total_amount_cents  bigint not null,
    provider_payment_id text
);
create table billing.fees (
    id           uuid primary key default gen_random_uuid(),
    invoice_id   uuid not null references billing.invoices,
    item_code    text not null,
    units        numeric not null,
    amount_cents bigint not null
);
create index on billing.fees (invoice_id);
create index invoices_to_be_paid on billing.invoices (payment_due_date, id)
    where status = 'finalized' and payment_status = 'pending';

insert into billing.customers
select md5('customer ' || c)::uuid, 'customer-' || c, 'EUR', 'cus_' || c || '_0' from generate_series(0, 9) c;
