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
DROP FUNCTION agentbase_watch(text);
DROP FUNCTION agentbase_note_spaces();
DROP FUNCTION agentbase_note_executions();
DROP FUNCTION agentbase_note_metrics();
DROP FUNCTION agentbase_note_tools();
DROP FUNCTION agentbase_note_memories();
DROP FUNCTION agentbase_admitted(text[]);
DROP TABLE agent_outbox_set_aside;
DROP TABLE agent_outbox_progress;
DROP TABLE agent_outbox;

CREATE OR REPLACE FUNCTION agentbase_bury(agent text) RETURNS bigint LANGUAGE plpgsql AS $$
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
