-- How many days a run could not read, and of how many the index contradicts itself.

ALTER TABLE ops.run_metrics ADD COLUMN missing_days bigint;
ALTER TABLE ops.run_metrics ADD COLUMN disagreeing_days bigint;
