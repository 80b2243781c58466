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
-- reference to agents, which costs more row by row than the row itself. The tables get them from here when they are made, and
-- again behind an import; an import that was cut off leaves it to the next one. Answers whether anything was missing.
CREATE FUNCTION agentbase_complete(target text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  missing boolean := false;
  index_name text;
  definition text;
BEGIN
  -- Two imports that end at once would make the same index.
  PERFORM pg_advisory_xact_lock(hashtextextended('agentbase_complete.' || target, 0));
  FOR index_name, definition IN VALUES
    ('agent_memories_imported', '(agent_id, namespace, key, updated_at NULLS FIRST, source_row) WHERE source_id IS NOT NULL'),
    ('agent_tools_imported', '(agent_id, name, updated_at NULLS FIRST, source_row) WHERE source_id IS NOT NULL'),
    ('agent_metrics_by_time', '(agent_id, metric_name, timestamp)'),
    ('agent_executions_by_time', '(agent_id, started_at)')
  LOOP
    IF starts_with(index_name, target || '_') AND NOT EXISTS (
      SELECT FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
      WHERE indrelid = target::regclass AND relname = index_name)
    THEN
      EXECUTE format('CREATE INDEX %I ON %I %s', index_name, target, definition);
      missing := true;
    END IF;
  END LOOP;
  IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = target::regclass AND conname = target || '_agent_id_fkey') THEN
    EXECUTE format(
      'ALTER TABLE %I ADD CONSTRAINT %I FOREIGN KEY (agent_id) REFERENCES agents (id)', target, target || '_agent_id_fkey');
    missing := true;
  END IF;
  RETURN missing;
END
$$;

-- Takes them away, where the table is empty. Answers whether it did.
CREATE FUNCTION agentbase_lighten(target text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  is_used boolean;
  index_name text;
BEGIN
  EXECUTE format('SELECT EXISTS (SELECT FROM %I)', target) INTO is_used;
  IF is_used THEN
    RETURN false;
  END IF;
  EXECUTE format('LOCK TABLE %I', target);
  EXECUTE format('SELECT EXISTS (SELECT FROM %I)', target) INTO is_used;
  IF is_used THEN
    RETURN false;
  END IF;
  EXECUTE format('ALTER TABLE %I DROP CONSTRAINT IF EXISTS %I', target, target || '_agent_id_fkey');
  FOR index_name IN
    SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE indrelid = target::regclass AND NOT indisunique
      AND relname IN (
        'agent_memories_imported', 'agent_tools_imported', 'agent_metrics_by_time', 'agent_executions_by_time')
  LOOP
    EXECUTE format('DROP INDEX %I', index_name);
  END LOOP;
  RETURN true;
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
