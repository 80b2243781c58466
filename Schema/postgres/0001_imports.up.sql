-- What the importer remembers: which files and tables it has read, up to where, and what Postgres could not hold.
--
-- These books stand alone: they refer to no other table, so that whole databases can be copied into an application's
-- database, which may have tables called agents of its own. In the lines of such a copy agent_id is ''.

-- A legacy file: what is needed to make it again. objects is its sqlite_schema, in order.
CREATE TABLE agent_import_files (
  agent_id    text NOT NULL,
  file_id     bigint NOT NULL,
  path        text NOT NULL,
  pragmas     jsonb NOT NULL,
  objects     jsonb NOT NULL,
  imported_at timestamptz NOT NULL,
  PRIMARY KEY (agent_id, file_id)
);

-- A table of such a file, with its columns in order. source_id stands in every row that came from it; row_agents are
-- the agents whose rows it holds: its own column may name others than the file's path. target_was_empty says of a
-- copied table that no row was in the target before, so that every row there with a key of the source came from it.
-- proof is what the last comparison without a difference has seen: how many rows, the sum of the numbers of the
-- transactions that wrote them, and how they were read. Where nothing has changed since, all of it is the same.
CREATE TABLE agent_import_sources (
  agent_id         text NOT NULL,
  source_id        bigint NOT NULL,
  file_id          bigint NOT NULL,
  table_name       text NOT NULL,
  target           text NOT NULL,
  storage          text NOT NULL,
  has_rowid        boolean NOT NULL,
  columns          jsonb NOT NULL,
  row_agents       text[] NOT NULL,
  target_was_empty boolean NOT NULL DEFAULT false,
  proof            text,
  PRIMARY KEY (agent_id, source_id),
  FOREIGN KEY (agent_id, file_id) REFERENCES agent_import_files (agent_id, file_id)
);

-- The ledger. A chunk's rows and its line here commit together: a line says that the rows of the source from first_row
-- to last_row (rowids, or places in the order of the key where a table has none) have been read, and what became of
-- them. digest is the SHA-256 of their raw values, or null where the target may differ from the source (rows that
-- were there already, with other values).
CREATE TABLE agent_imports (
  agent_id      text NOT NULL,
  source_id     bigint NOT NULL,
  chunk         integer NOT NULL,
  first_row     bigint NOT NULL,
  last_row      bigint NOT NULL,
  rows_read     bigint NOT NULL,
  rows_loaded   bigint NOT NULL,
  rows_there    bigint NOT NULL,
  rows_rejected bigint NOT NULL,
  digest        bytea,
  run_id        uuid NOT NULL,
  migrated_at   timestamptz NOT NULL,
  committed_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (agent_id, source_id, chunk),
  FOREIGN KEY (agent_id, source_id) REFERENCES agent_import_sources (agent_id, source_id),
  CHECK (rows_read = rows_loaded + rows_there + rows_rejected)
);

-- A row that Postgres cannot hold: its raw values (storage class and bytes, by column), its key and the reason.
CREATE TABLE agent_import_rejects (
  agent_id   text NOT NULL,
  id         uuid NOT NULL,
  source_id  bigint NOT NULL,
  source_row bigint NOT NULL,
  source_key jsonb NOT NULL,
  reason     text NOT NULL,
  raw_values jsonb NOT NULL,
  run_id     uuid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (agent_id, id),
  FOREIGN KEY (agent_id, source_id) REFERENCES agent_import_sources (agent_id, source_id)
);
