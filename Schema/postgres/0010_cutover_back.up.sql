-- The other direction of a cut-over: Postgres decides, and a SQLite file follows it.
--
-- While an agent is in a cut-over, triggers look at each statement that changes its rows. Where the file decides (every phase but
-- postgres-primary and postgres-only), they refuse it; in postgres-primary they note in the outbox what it has changed. Whoever
-- writes is seen, the library or not. The triggers are there only while some agent needs them: nobody else pays for them.

-- What has changed and is not in the file yet, a line a change. A line names what has changed, and not how: what is carried is what
-- is there when it is. Writers only add lines and never wait for each other here; who carries removes those that it has read.
CREATE TABLE agent_outbox (
  agent_id   text NOT NULL,
  sequence   bigint GENERATED ALWAYS AS IDENTITY,
  kind       text NOT NULL,
  namespace  text COLLATE "C" NOT NULL DEFAULT '',
  key        text COLLATE "C" NOT NULL,
  written_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  PRIMARY KEY (agent_id, sequence)
);

-- How many batches the file of an agent has taken. The file counts too: where the two do not fit, one of them was replaced. It
-- stands apart from agent_cutover, whose row each write locks.
CREATE TABLE agent_outbox_progress (
  agent_id   text PRIMARY KEY,
  batch      bigint NOT NULL,
  carried_at timestamptz NOT NULL DEFAULT now()
);

-- Changes that the file has refused and that somebody has set aside, so that the others go on: what was to be carried, and why it
-- could not be. One that changes again is tried again.
CREATE TABLE agent_outbox_set_aside (
  agent_id     text NOT NULL,
  kind         text NOT NULL,
  namespace    text COLLATE "C" NOT NULL,
  key          text COLLATE "C" NOT NULL,
  state        jsonb,
  reason       text NOT NULL,
  set_aside_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (agent_id, kind, namespace, key)
);

-- Locks the phases of agents against a change to the end of the transaction, and answers those whose changes are noted.
-- Fails with AB002, and the agent in the detail, where the file decides.
CREATE FUNCTION agentbase_admitted(owners text[]) RETURNS text[] LANGUAGE plpgsql AS $$
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

-- Of memories and tools imported rows are no change of the agent's, but their removal is.
CREATE FUNCTION agentbase_note_memories() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE FUNCTION agentbase_note_tools() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE FUNCTION agentbase_note_metrics() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE FUNCTION agentbase_note_executions() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE FUNCTION agentbase_note_spaces() RETURNS trigger LANGUAGE plpgsql AS $$
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

-- Makes the triggers of a table where some agent's phase needs them, and takes them away where none does; one table a transaction,
-- so that nobody waits for it with a lock on another. What carries or imports says so (agentbase.carrying), and is no writer.
CREATE FUNCTION agentbase_watch(table_name text) RETURNS void LANGUAGE plpgsql AS $$
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

-- As before; it is no writer, and earlier values of what was deleted go with it.
CREATE OR REPLACE FUNCTION agentbase_bury(agent text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  buried bigint;
BEGIN
  IF NOT EXISTS (SELECT FROM agent_cutover WHERE agent_id = agent) THEN
    RETURN 0;
  END IF;
  PERFORM set_config('agentbase.carrying', 'on', true);
  PERFORM pg_advisory_xact_lock(agentbase_cutover_key(agent));
  WITH memories AS (
    DELETE FROM agent_memories AS held USING agent_cutover_deletions AS gone
    WHERE gone.agent_id = agent AND gone.kind = 'memory' AND held.agent_id = agent AND held.source_id IS NOT NULL
      AND held.namespace = gone.namespace AND held.key = gone.name
    RETURNING held.agent_id, held.id, held.source_id
  ), history AS (
    DELETE FROM agent_memory_history AS held USING agent_cutover_deletions AS gone
    WHERE gone.agent_id = agent AND gone.kind = 'memory' AND held.agent_id = agent AND held.source_id IS NOT NULL
      AND held.version IS NOT NULL AND held.namespace = gone.namespace AND held.key = gone.name
    RETURNING held.agent_id, held.id, held.source_id
  ), tools AS (
    DELETE FROM agent_tools AS held USING agent_cutover_deletions AS gone
    WHERE gone.agent_id = agent AND gone.kind = 'tool' AND held.agent_id = agent AND held.source_id IS NOT NULL
      AND held.name = gone.name
    RETURNING held.agent_id, held.id, held.source_id
  ), executions AS (
    DELETE FROM agent_executions AS held USING agent_cutover_deletions AS gone
    WHERE gone.agent_id = agent AND gone.kind = 'execution' AND held.agent_id = agent AND held.source_id IS NOT NULL
      AND held.metadata -> 'legacy' ->> 'execution_id' = gone.name
    RETURNING held.agent_id, held.id, held.source_id
  ), remembered AS (
    INSERT INTO agent_import_deletions (agent_id, id, source_id)
    SELECT * FROM memories UNION ALL SELECT * FROM history UNION ALL SELECT * FROM tools
    UNION ALL SELECT * FROM executions
    ON CONFLICT (agent_id, id) DO UPDATE SET deleted_at = excluded.deleted_at
    RETURNING 1
  )
  SELECT count(*) INTO buried FROM remembered;
  PERFORM set_config('agentbase.carrying', '', true);
  RETURN buried;
END
$$;
