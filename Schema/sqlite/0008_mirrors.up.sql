-- Rows of legacy tables that mirror rows of our own, so that the agents' old code reads them; and what a rollback has written.
--
-- The names of the new tables hold none of the words by which legacy tables are known, and the importer passes them by.

-- own and own_id are the row that counts, source and place the row of the legacy table: its rowid, or its key where the table has
-- none. digest is that of the legacy row as it was written: where it differs, or the row is gone, the agent's old code has changed
-- or deleted it since, and ours counts no more.
CREATE TABLE agentbase_mirrors (
  own    TEXT NOT NULL,
  own_id INTEGER NOT NULL,
  source TEXT NOT NULL,
  place  NOT NULL,
  digest INTEGER NOT NULL,
  PRIMARY KEY (own, own_id)
) WITHOUT ROWID;

CREATE UNIQUE INDEX agentbase_mirrors_by_place ON agentbase_mirrors (source, place);

-- The digest of a row as a rollback has written it: an import into the same Postgres leaves it out while it is the same.
ALTER TABLE agentbase_restored ADD COLUMN digest INTEGER;

CREATE INDEX agentbase_restored_by_row ON agentbase_restored (source, row_id);
