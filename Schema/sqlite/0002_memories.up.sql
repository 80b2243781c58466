-- What a memory has besides its value: a version, a time to live, and its earlier values.
--
-- The names of the new tables hold none of the words by which legacy tables are known, so that nobody takes them for one.

-- time_to_live is in microseconds. A row of before this step has no version: a digest of it stands for one.
ALTER TABLE agentbase_memories ADD COLUMN version INTEGER;
ALTER TABLE agentbase_memories ADD COLUMN time_to_live INTEGER;

CREATE INDEX agentbase_memories_expiring ON agentbase_memories (expires_at) WHERE expires_at IS NOT NULL;

-- What a legacy table has no column for, of the rows that the library wrote into it. digest is that of the row as it was
-- written: where it differs, someone else has written the row since.
CREATE TABLE agentbase_notes (
  agent_id     TEXT NOT NULL,
  namespace    TEXT NOT NULL,
  key          TEXT NOT NULL,
  version      INTEGER NOT NULL,
  digest       INTEGER NOT NULL,
  time_to_live INTEGER,
  PRIMARY KEY (agent_id, namespace, key)
) WITHOUT ROWID;

-- Earlier values of keys.
CREATE TABLE agentbase_history (
  id          INTEGER PRIMARY KEY,
  agent_id    TEXT NOT NULL,
  namespace   TEXT NOT NULL,
  key         TEXT NOT NULL,
  version     INTEGER NOT NULL,
  content     TEXT NOT NULL,
  metadata    TEXT NOT NULL,
  embedding   BLOB,
  stored_at   TEXT,
  replaced_at TEXT NOT NULL
);

CREATE INDEX agentbase_history_by_key ON agentbase_history (agent_id, namespace, key, version);
