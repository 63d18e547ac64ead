-- When a day was settled, in what the index contradicted itself about it, and why it could not be
-- read. `failures` counts the runs in a row that could not read it; it is not tried before `retry_at`.
ALTER TABLE raw.query_days ADD COLUMN settled_at timestamptz;
ALTER TABLE raw.query_days ADD COLUMN disagreement text;
ALTER TABLE raw.query_days ADD COLUMN failures integer;
ALTER TABLE raw.query_days ADD COLUMN failure text;
ALTER TABLE raw.query_days ADD COLUMN retry_at timestamptz;

-- A day that was whole 48 hours after its end was not read again.
UPDATE raw.query_days SET settled_at = complete_at
WHERE complete_at >= CAST(day AS timestamptz) + INTERVAL '72 hours';
