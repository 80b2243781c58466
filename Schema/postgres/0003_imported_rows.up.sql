-- What the library's importer keeps beside the agents' own tables.

-- The rows of tables that are none of memories, tools, metrics and executions: kept so that a file can be made again.
CREATE TABLE agent_import_rows (
  id           uuid NOT NULL,
  agent_id     text NOT NULL REFERENCES agents (id),
  content      jsonb NOT NULL,
  metadata     jsonb NOT NULL,
  source_id    bigint NOT NULL,
  source_row   bigint NOT NULL,
  source_exact jsonb,
  PRIMARY KEY (agent_id, id)
);

-- Imported rows that an agent has deleted since, so that verification can tell them from lost ones.
CREATE TABLE agent_import_deletions (
  agent_id   text NOT NULL REFERENCES agents (id),
  id         uuid NOT NULL,
  source_id  bigint NOT NULL,
  deleted_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (agent_id, id)
);
