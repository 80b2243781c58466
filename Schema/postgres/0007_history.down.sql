CREATE OR REPLACE FUNCTION agentbase_keep_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.expires_at <= now() THEN
    DELETE FROM agent_memory_history
      WHERE agent_id = OLD.agent_id AND namespace = OLD.namespace AND key = OLD.key;
    RETURN NULL;
  END IF;
  INSERT INTO agent_memory_history
    (agent_id, namespace, key, version, content, metadata, embedding, stored_at, replaced_at)
    VALUES (OLD.agent_id, OLD.namespace, OLD.key, OLD.version, OLD.content, OLD.metadata, OLD.embedding::real[],
      OLD.updated_at, NEW.updated_at);
  IF NEW.history_limit < 2147483647 THEN
    DELETE FROM agent_memory_history
      WHERE agent_id = OLD.agent_id AND namespace = OLD.namespace AND key = OLD.key AND version <= (
        SELECT last.version FROM agent_memory_history AS last
        WHERE last.agent_id = OLD.agent_id AND last.namespace = OLD.namespace AND last.key = OLD.key
          AND last.source_id IS NULL
        ORDER BY last.version DESC OFFSET NEW.history_limit LIMIT 1);
  END IF;
  RETURN NULL;
END
$$;

DROP FUNCTION agentbase_forget_history(text, text, text, bigint);
