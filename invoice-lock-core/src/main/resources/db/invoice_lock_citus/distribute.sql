-- On Citus: distributes the journal by invoice. InvoiceLockSchema.distribute(dataSource) runs this, once, after the migration.
-- By hand, on the coordinator, as the journal's owner, while nothing bills:
--   begin; set local search_path to invoice_lock;  then this file;  commit;

-- A key of a distributed table contains the distribution column; the constraint of R10 does already.
alter table billing_attempt drop constraint billing_attempt_pkey, add primary key (invoice_id, id);
-- By itself: the host's id is rarely text, so its table cannot be colocated with this one, and no statement joins them.
select create_distributed_table('billing_attempt', 'invoice_id', colocate_with => 'none');

-- On every node, so that each can be connected to.
select create_reference_table('installation');
select create_reference_table('biller');
