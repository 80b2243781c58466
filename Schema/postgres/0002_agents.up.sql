-- What agents keep: one row an agent, and its memories, tools, metrics and executions.
--
-- Every primary key and unique key contains agent_id, so that a table can be partitioned or distributed by it.
-- source_id tells where a row came from: a row with one was imported from a legacy table (agent_import_sources) and
-- is never changed by an agent; a row without one was stored. written_by is set by the library, so that a row that
-- neither the importer nor an agent wrote can be told from both.
-- source_row is the legacy row's rowid (the newer of two equal times is the greater one), and source_exact holds what
-- JSON cannot say of it: BLOBs, text that is not UTF-8 or holds a NUL, -0.0 and the infinities, by column name.

CREATE TABLE agents (
  id              text PRIMARY KEY,
  name            text NOT NULL,
  version         text,
  description     text,
  category        text,
  status          text NOT NULL DEFAULT 'active',
  organization_id text,
  created_at      timestamptz NOT NULL DEFAULT now(),
  updated_at      timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE agent_memories (
  id           uuid NOT NULL DEFAULT gen_random_uuid(),
  agent_id     text NOT NULL,
  namespace    text COLLATE "C" NOT NULL DEFAULT '',
  key          text COLLATE "C" NOT NULL,
  content      jsonb NOT NULL,
  metadata     jsonb NOT NULL DEFAULT '{}',
  embedding    real[],
  created_at   timestamptz DEFAULT now(),
  updated_at   timestamptz DEFAULT now(),
  expires_at   timestamptz,
  source_id    bigint,
  source_row   bigint,
  source_exact jsonb,
  written_by   text,
  PRIMARY KEY (agent_id, id)
);

-- The stored value of a key is one row; the imported ones of a key are many, the newest being the current one.
CREATE UNIQUE INDEX agent_memories_stored ON agent_memories (agent_id, namespace, key) WHERE source_id IS NULL;

CREATE TABLE agent_tools (
  id            uuid NOT NULL DEFAULT gen_random_uuid(),
  agent_id      text NOT NULL,
  name          text NOT NULL,
  description   text,
  configuration jsonb NOT NULL DEFAULT '{}',
  metadata      jsonb NOT NULL DEFAULT '{}',
  is_enabled    boolean NOT NULL DEFAULT true,
  usage_count   bigint NOT NULL DEFAULT 0,
  created_at    timestamptz DEFAULT now(),
  updated_at    timestamptz DEFAULT now(),
  source_id     bigint,
  source_row    bigint,
  source_exact  jsonb,
  written_by    text,
  PRIMARY KEY (agent_id, id)
);

CREATE UNIQUE INDEX agent_tools_stored ON agent_tools (agent_id, name) WHERE source_id IS NULL;

CREATE TABLE agent_metrics (
  id           uuid NOT NULL DEFAULT gen_random_uuid(),
  agent_id     text NOT NULL,
  metric_name  text NOT NULL,
  value        double precision,
  unit         text,
  metadata     jsonb NOT NULL DEFAULT '{}',
  timestamp    timestamptz DEFAULT now(),
  source_id    bigint,
  source_row   bigint,
  source_exact jsonb,
  written_by   text,
  PRIMARY KEY (agent_id, id)
);

CREATE TABLE agent_executions (
  id            uuid NOT NULL DEFAULT gen_random_uuid(),
  agent_id      text NOT NULL,
  task_type     text NOT NULL,
  status        text NOT NULL,
  input         jsonb,
  output        jsonb,
  error_message text,
  started_at    timestamptz,
  completed_at  timestamptz,
  duration_ms   double precision,
  metadata      jsonb NOT NULL DEFAULT '{}',
  created_at    timestamptz DEFAULT now(),
  source_id     bigint,
  source_row    bigint,
  source_exact  jsonb,
  written_by    text,
  PRIMARY KEY (agent_id, id)
);

-- What an import into an empty table does without until the rows are there: every index that guards no uniqueness, and the
-- reference to agents, whose check costs more than the row itself. The tables get them from here, when they are made and
-- behind every import; one that was cut off leaves it to the next.
CREATE FUNCTION agentbase_deferred() RETURNS TABLE (target text, name text, definition text) LANGUAGE sql IMMUTABLE AS $$
  VALUES
    ('agent_memories', 'agent_memories_imported',
      'CREATE INDEX agent_memories_imported ON agent_memories (agent_id, namespace, key, updated_at NULLS FIRST, source_row)
        WHERE source_id IS NOT NULL'),
    ('agent_tools', 'agent_tools_imported',
      'CREATE INDEX agent_tools_imported ON agent_tools (agent_id, name, updated_at NULLS FIRST, source_row)
        WHERE source_id IS NOT NULL'),
    ('agent_metrics', 'agent_metrics_by_time',
      'CREATE INDEX agent_metrics_by_time ON agent_metrics (agent_id, metric_name, timestamp)'),
    ('agent_executions', 'agent_executions_by_time',
      'CREATE INDEX agent_executions_by_time ON agent_executions (agent_id, started_at)')
  UNION ALL
  SELECT owner, owner || '_agent_id_fkey', format(
    'ALTER TABLE %I ADD CONSTRAINT %I FOREIGN KEY (agent_id) REFERENCES agents (id)', owner, owner || '_agent_id_fkey')
  FROM unnest(ARRAY['agent_memories', 'agent_tools', 'agent_metrics', 'agent_executions']) AS owner
$$;

-- Those of them that are not there.
CREATE FUNCTION agentbase_missing() RETURNS TABLE (target text, name text, definition text) LANGUAGE sql STABLE AS $$
  SELECT * FROM agentbase_deferred() AS deferred
  WHERE NOT EXISTS (
      SELECT FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
      WHERE indrelid = deferred.target::regclass AND relname = deferred.name)
    AND NOT EXISTS (
      SELECT FROM pg_constraint WHERE conrelid = deferred.target::regclass AND conname = deferred.name)
$$;

-- Makes those of a table that are not there.
CREATE FUNCTION agentbase_complete(table_name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  statement text;
BEGIN
  -- Two imports that end at once would make the same index.
  PERFORM pg_advisory_xact_lock(hashtextextended('agentbase_complete.' || table_name, 0));
  FOR statement IN SELECT definition FROM agentbase_missing() WHERE target = table_name LOOP
    EXECUTE statement;
  END LOOP;
END
$$;

-- Takes those of a table away, where it is empty.
CREATE FUNCTION agentbase_lighten(table_name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  is_used boolean;
  statement text;
BEGIN
  EXECUTE format('SELECT EXISTS (SELECT FROM %I)', table_name) INTO is_used;
  IF is_used THEN
    RETURN;
  END IF;
  -- Asked again once nobody else can write to it.
  EXECUTE format('LOCK TABLE %I', table_name);
  EXECUTE format('SELECT EXISTS (SELECT FROM %I)', table_name) INTO is_used;
  IF is_used THEN
    RETURN;
  END IF;
  FOR statement IN
    SELECT CASE WHEN definition LIKE 'CREATE INDEX %' THEN format('DROP INDEX IF EXISTS %I', name)
      ELSE format('ALTER TABLE %I DROP CONSTRAINT IF EXISTS %I', target, name) END
    FROM agentbase_deferred() WHERE target = table_name
  LOOP
    EXECUTE statement;
  END LOOP;
END
$$;

SELECT agentbase_complete(name) FROM unnest(ARRAY['agent_memories', 'agent_tools', 'agent_metrics', 'agent_executions']) AS name;

-- pgvector, where the server has it and the user may install it; else embeddings wait as real[] and become vectors
-- when agentbase_adopt_vector() is called after it has been installed. Answers the type of the column.
CREATE FUNCTION agentbase_adopt_vector() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  column_type text;
BEGIN
  IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector' AND installed_version IS NULL) THEN
    BEGIN
      CREATE EXTENSION IF NOT EXISTS vector;
    EXCEPTION WHEN insufficient_privilege THEN
      RAISE NOTICE 'pgvector is on this server, but the user may not install it: ask for CREATE EXTENSION vector';
    END;
  END IF;
  SELECT typname INTO column_type FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
    WHERE attrelid = 'agent_memories'::regclass AND attname = 'embedding';
  IF column_type = '_float4' AND EXISTS (SELECT FROM pg_extension WHERE extname = 'vector') THEN
    EXECUTE 'ALTER TABLE agent_memories ALTER COLUMN embedding TYPE vector USING embedding::vector';
    column_type := 'vector';
  END IF;
  RETURN column_type;
END
$$;

SELECT agentbase_adopt_vector();
