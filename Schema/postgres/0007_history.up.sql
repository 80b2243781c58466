-- Earlier values that an agent's SQLite file kept come along with it: rows of agent_memory_history with a source_id and a version.
--
-- (A row with a source_id and without a version is still an imported memory that an agent deleted.) They count where a limit is
-- set to a key's history, and an imported one that is removed is remembered, so that verification can tell it from a lost one.
-- Times are those of the statement: now() is one for a whole transaction.

-- Removes what is kept of a key, but for the newest values.
CREATE FUNCTION agentbase_forget_history(agent text, space text, name text, kept bigint) RETURNS void LANGUAGE sql AS $$
  WITH gone AS (
    DELETE FROM agent_memory_history
    WHERE agent_id = agent AND id IN (
      SELECT id FROM agent_memory_history
      WHERE agent_id = agent AND namespace = space AND key = name AND (version IS NOT NULL OR kept = 0)
      ORDER BY source_id IS NOT NULL, CASE WHEN source_id IS NULL THEN version END DESC, replaced_at DESC, source_row DESC
      OFFSET kept)
    RETURNING id, source_id, version
  )
  INSERT INTO agent_import_deletions (agent_id, id, source_id)
    SELECT agent, id, source_id FROM gone WHERE source_id IS NOT NULL AND version IS NOT NULL
    ON CONFLICT DO NOTHING
$$;

CREATE OR REPLACE FUNCTION agentbase_keep_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.expires_at <= statement_timestamp() THEN
    PERFORM agentbase_forget_history(OLD.agent_id, OLD.namespace, OLD.key, 0);
    RETURN NULL;
  END IF;
  INSERT INTO agent_memory_history
    (agent_id, namespace, key, version, content, metadata, embedding, stored_at, replaced_at)
    VALUES (OLD.agent_id, OLD.namespace, OLD.key, OLD.version, OLD.content, OLD.metadata, OLD.embedding::real[],
      OLD.updated_at, NEW.updated_at);
  IF NEW.history_limit < 2147483647 THEN
    PERFORM agentbase_forget_history(OLD.agent_id, OLD.namespace, OLD.key, NEW.history_limit);
  END IF;
  RETURN NULL;
END
$$;
