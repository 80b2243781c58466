-- What a cut-over to Postgres keeps in the file: its phase, what is still to be carried, and what the import leaves out.
--
-- The names of the new tables hold none of the words by which legacy tables are known, and the importer passes them by.

-- The phase of an agent's rows in this file; an agent without a row has no cut-over. pair_id names the file and the database
-- that belong together. Each change of an agent's rows has a number: last_sequence is that of the newest change, and all up to
-- carried_sequence are in Postgres. While held_until (microseconds since 1970) lies ahead, writers wait. read_percent of the keys
-- are read from Postgres, and compared; differing counts the reads that differed since the percentage was set.
CREATE TABLE agentbase_cutover (
  agent_id         TEXT PRIMARY KEY,
  pair_id          TEXT NOT NULL,
  phase            TEXT NOT NULL,
  epoch            INTEGER NOT NULL,
  read_percent     INTEGER NOT NULL DEFAULT 0,
  differing        INTEGER NOT NULL DEFAULT 0,
  last_sequence    INTEGER NOT NULL DEFAULT 0,
  carried_sequence INTEGER NOT NULL DEFAULT 0,
  held_until       INTEGER,
  carried_at       INTEGER,
  changed_at       INTEGER NOT NULL
) WITHOUT ROWID;

-- The outbox: what has changed since it was carried last. A line names what has changed, and not how: what is carried is what is
-- there when it is. So what changes a hundred times before it is carried takes one line, with the number of its last change.
CREATE TABLE agentbase_outbox (
  agent_id   TEXT NOT NULL,
  kind       TEXT NOT NULL,
  namespace  TEXT NOT NULL,
  key        TEXT NOT NULL,
  sequence   INTEGER NOT NULL,
  written_at INTEGER NOT NULL,
  PRIMARY KEY (agent_id, kind, namespace, key)
) WITHOUT ROWID;

CREATE INDEX agentbase_outbox_by_sequence ON agentbase_outbox (agent_id, sequence);

-- Keys that were read from both sides and differed, with digests of what was found; NULL for nothing.
CREATE TABLE agentbase_differences (
  agent_id  TEXT NOT NULL,
  namespace TEXT NOT NULL,
  key       TEXT NOT NULL,
  sqlite    TEXT,
  postgres  TEXT,
  seen_at   INTEGER NOT NULL,
  PRIMARY KEY (agent_id, namespace, key)
) WITHOUT ROWID;

-- Rows that the outbox carries to Postgres under this id. The import leaves them out: it would bring them a second time.
CREATE TABLE agentbase_carried (
  id     TEXT PRIMARY KEY,
  source TEXT NOT NULL,
  row_id INTEGER NOT NULL,
  UNIQUE (source, row_id)
) WITHOUT ROWID;
