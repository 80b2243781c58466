-- What a cut-over keeps in Postgres while it follows a SQLite file.

-- Up to which change of the file (applied_sequence) the agent's rows here are those of the file. It commits together with the
-- rows. phase and epoch are a copy of the file's, which decides.
CREATE TABLE agent_cutover (
  agent_id         text PRIMARY KEY,
  pair_id          uuid NOT NULL,
  phase            text NOT NULL,
  epoch            bigint NOT NULL,
  applied_sequence bigint NOT NULL,
  applied_at       timestamptz NOT NULL DEFAULT now()
);

-- What was deleted in the file since: an import that has read the file before must not bring it back.
CREATE TABLE agent_cutover_deletions (
  agent_id   text NOT NULL,
  kind       text NOT NULL,
  namespace  text COLLATE "C" NOT NULL,
  name       text COLLATE "C" NOT NULL,
  deleted_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (agent_id, kind, namespace, name)
);

-- The lock under which an agent's changes are applied, and those buried that an import has brought back.
CREATE FUNCTION agentbase_cutover_key(agent text) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT hashtextextended('agentbase_cutover.' || agent, 0)
$$;

-- Removes the imported rows of what was deleted in the file, and remembers them as deleted. An import calls it when all of a
-- file's rows are there; it answers how many went.
CREATE FUNCTION agentbase_bury(agent text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  buried bigint;
BEGIN
  IF NOT EXISTS (SELECT FROM agent_cutover WHERE agent_id = agent) THEN
    RETURN 0;
  END IF;
  PERFORM pg_advisory_xact_lock(agentbase_cutover_key(agent));
  WITH memories AS (
    DELETE FROM agent_memories AS held USING agent_cutover_deletions AS gone
    WHERE gone.agent_id = agent AND gone.kind = 'memory' AND held.agent_id = agent AND held.source_id IS NOT NULL
      AND held.namespace = gone.namespace AND held.key = gone.name
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
    SELECT * FROM memories UNION ALL SELECT * FROM tools UNION ALL SELECT * FROM executions
    ON CONFLICT (agent_id, id) DO UPDATE SET deleted_at = excluded.deleted_at
    RETURNING 1
  )
  SELECT count(*) INTO buried FROM remembered;
  RETURN buried;
END
$$;
