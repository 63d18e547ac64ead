-- An article with a text that was reworked or updated is a rewrite; it was called a version, as are
-- the states of one article's text.
UPDATE processed.assessments SET role = 'rewrite' WHERE role = 'version';

UPDATE ops.stage_runs SET report = replace(report, '"versions":', '"rewrites":')
WHERE stage = 'group' AND report LIKE '%"versions":%';
