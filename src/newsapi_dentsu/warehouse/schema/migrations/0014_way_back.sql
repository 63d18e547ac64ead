-- After a release that is taken back, the older program asks whether it may work on these tables.
ALTER TABLE ops.schema_migrations ADD COLUMN works_from integer;
