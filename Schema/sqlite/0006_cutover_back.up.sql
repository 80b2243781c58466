-- What a cut-over keeps in the file while it follows Postgres, and what was set aside.
--
-- The names of the new tables hold none of the words by which legacy tables are known, and the importer passes them by.

-- How many batches of Postgres' outbox the file has taken; the number commits together with what they hold.
CREATE TABLE agentbase_followed (
  agent_id    TEXT PRIMARY KEY,
  batch       INTEGER NOT NULL,
  followed_at INTEGER NOT NULL
) WITHOUT ROWID;

-- Rows that a rollback has written, and the ids that they have in Postgres: a cut-over that goes on with this file knows by it that
-- they are there. For an import they are rows like others.
CREATE TABLE agentbase_restored (
  id     TEXT PRIMARY KEY,
  source TEXT NOT NULL,
  row_id INTEGER NOT NULL
) WITHOUT ROWID;

-- Changes that Postgres has refused and that somebody has set aside, so that the others go on: what was to be carried, and why it
-- could not be. One that changes again is tried again.
CREATE TABLE agentbase_set_aside (
  agent_id     TEXT NOT NULL,
  kind         TEXT NOT NULL,
  namespace    TEXT NOT NULL,
  key          TEXT NOT NULL,
  state        TEXT,
  reason       TEXT NOT NULL,
  set_aside_at INTEGER NOT NULL,
  PRIMARY KEY (agent_id, kind, namespace, key)
) WITHOUT ROWID;
