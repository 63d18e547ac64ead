-- Programs of schema version 11 and newer work on.
-- An article may be an update, or the fuller text of another, which final shows in that one's place;
-- and a verdict says in words what decided it. Stored verdicts are made again by a full refresh.
ALTER TABLE processed.assessments ADD COLUMN reasons text;

ALTER TABLE final.filtered_news ADD COLUMN text_of text;
