DO $$
DECLARE
  made record;
BEGIN
  FOR made IN
    SELECT tgname, tgrelid::regclass AS owner FROM pg_trigger
    WHERE tgname IN ('agentbase_insert', 'agentbase_update', 'agentbase_delete')
  LOOP
    EXECUTE format('DROP TRIGGER %I ON %s', made.tgname, made.owner);
  END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION agentbase_admitted(owners text[]) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
  fence record;
  noted text[] := '{}';
BEGIN
  FOR fence IN
    SELECT agent_id, phase FROM agent_cutover WHERE agent_id = ANY(owners) ORDER BY agent_id FOR KEY SHARE
  LOOP
    IF fence.phase = 'postgres-primary' THEN
      noted := noted || fence.agent_id;
    ELSIF fence.phase <> 'postgres-only' THEN
      RAISE EXCEPTION 'the SQLite file of the agent decides, and Postgres follows it' USING ERRCODE = 'AB002',
        DETAIL = fence.agent_id,
        HINT = 'Write with the backend dual (AGENT_MEMORY_BACKEND), or have Postgres decide: agentbase cutover set postgres-primary.';
    END IF;
  END LOOP;
  RETURN noted;
END
$$;

CREATE OR REPLACE FUNCTION agentbase_note_memories() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  noted text[];
BEGIN
  noted := agentbase_admitted(
    ARRAY(SELECT DISTINCT agent_id FROM changed WHERE source_id IS NULL OR TG_OP = 'DELETE'));
  IF noted <> '{}' THEN
    INSERT INTO agent_outbox (agent_id, kind, namespace, key)
      SELECT DISTINCT agent_id, 'memory', namespace, key FROM changed
      WHERE agent_id = ANY(noted) AND (source_id IS NULL OR TG_OP = 'DELETE');
  END IF;
  RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION agentbase_note_tools() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  noted text[];
BEGIN
  noted := agentbase_admitted(
    ARRAY(SELECT DISTINCT agent_id FROM changed WHERE source_id IS NULL OR TG_OP = 'DELETE'));
  IF noted <> '{}' THEN
    INSERT INTO agent_outbox (agent_id, kind, key)
      SELECT DISTINCT agent_id, 'tool', name FROM changed
      WHERE agent_id = ANY(noted) AND (source_id IS NULL OR TG_OP = 'DELETE');
  END IF;
  RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION agentbase_note_metrics() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  noted text[];
BEGIN
  noted := agentbase_admitted(ARRAY(SELECT DISTINCT agent_id FROM changed WHERE source_id IS NULL));
  IF noted <> '{}' THEN
    INSERT INTO agent_outbox (agent_id, kind, key)
      SELECT agent_id, 'metric', id FROM changed WHERE agent_id = ANY(noted) AND source_id IS NULL;
  END IF;
  RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION agentbase_note_executions() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  noted text[];
BEGIN
  noted := agentbase_admitted(ARRAY(SELECT DISTINCT agent_id FROM changed WHERE source_id IS NULL));
  IF noted <> '{}' THEN
    INSERT INTO agent_outbox (agent_id, kind, key)
      SELECT agent_id, 'execution', id FROM changed WHERE agent_id = ANY(noted) AND source_id IS NULL;
  END IF;
  RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION agentbase_note_spaces() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  noted text[];
BEGIN
  noted := agentbase_admitted(ARRAY(SELECT DISTINCT agent_id FROM changed));
  IF noted <> '{}' THEN
    INSERT INTO agent_outbox (agent_id, kind, key)
      SELECT DISTINCT agent_id, 'space', namespace FROM changed WHERE agent_id = ANY(noted);
  END IF;
  RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION agentbase_watch(table_name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  is_wanted boolean;
  is_there boolean;
  noting text := 'agentbase_note_' || CASE table_name WHEN 'agent_vector_spaces' THEN 'spaces'
    ELSE replace(table_name, 'agent_', '') END;
  event text;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('agentbase_watch.' || table_name, 0));
  is_wanted := EXISTS (SELECT FROM agent_cutover WHERE phase <> 'postgres-only');
  is_there := EXISTS (SELECT FROM pg_trigger WHERE tgrelid = table_name::regclass AND tgname = 'agentbase_insert');
  IF is_wanted = is_there THEN
    RETURN;
  END IF;
  FOREACH event IN ARRAY ARRAY['insert', 'update', 'delete'] LOOP
    IF is_wanted THEN
      EXECUTE format(
        'CREATE TRIGGER %I AFTER %s ON %I REFERENCING %s TABLE AS changed FOR EACH STATEMENT
          WHEN (coalesce(current_setting(''agentbase.carrying'', true), '''') <> ''on'') EXECUTE FUNCTION %I()',
        'agentbase_' || event, upper(event), table_name, CASE event WHEN 'delete' THEN 'OLD' ELSE 'NEW' END, noting);
    ELSE
      EXECUTE format('DROP TRIGGER IF EXISTS %I ON %I', 'agentbase_' || event, table_name);
    END IF;
  END LOOP;
END
$$;

-- The functions look no more at who carries: the triggers do.
SELECT agentbase_watch(name)
  FROM unnest(ARRAY['agent_memories', 'agent_tools', 'agent_metrics', 'agent_executions', 'agent_vector_spaces']) AS name;
