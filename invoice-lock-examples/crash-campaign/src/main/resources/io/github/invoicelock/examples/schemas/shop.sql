-- What is there. The columns are those of Chinook's Customer, Invoice and InvoiceLine, as far as a charge needs them.
create table "Customer" (
    "CustomerId" int primary key,
    "FirstName"  varchar(40) not null,
    "LastName"   varchar(20) not null,
    "Email"      varchar(60) not null
);
create table "Invoice" (
    "InvoiceId"      int primary key,
    "CustomerId"     int not null references "Customer",
    "InvoiceDate"    timestamp not null,
    "BillingCountry" varchar(40),
    "Total"          numeric(10, 2) not null
);
create table "InvoiceLine" (
    "InvoiceLineId" int generated always as identity primary key,
    "InvoiceId"     int not null references "Invoice",
    "TrackId"       int not null,
    "UnitPrice"     numeric(10, 2) not null,
    "Quantity"      int not null
);
create index on "InvoiceLine" ("InvoiceId");
insert into "Customer"
select c, 'First', 'Last', c || '@example.com' from generate_series(0, 9) c;
insert into "Invoice"
select -i, i % 10, now() - interval '1 year', 'Norway', 1.98 from generate_series(1, 20) i;

-- What the host adds
alter table "Customer" add "PaymentMethod" text;
alter table "Invoice"
    add "PaidAt" timestamptz default now(), -- all that is there by now was paid, somehow
    add "PaymentReference" text;
alter table "Invoice" alter "PaidAt" drop default; -- and what comes from now on is not
create index "Invoice_unpaid" on "Invoice" ("InvoiceId") where "PaidAt" is null;

update "Customer" set "PaymentMethod" = 'pm_' || "CustomerId" || '_0';
