-- The mirrors themselves stay in the legacy tables: without the books they are rows like any others there, until the way up again.
DROP INDEX agentbase_restored_by_row;
ALTER TABLE agentbase_restored DROP COLUMN digest;
DROP TABLE agentbase_mirrors;
