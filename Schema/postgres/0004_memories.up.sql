-- What a memory has besides its value: a version, a time to live, and its earlier values.
--
-- A stored row's version grows by one with each value. A new row begins at the clock, in microseconds, so that no version
-- comes again after a deletion. An imported row has none: what an agent sees as its version is a digest of the row.
-- time_to_live is in microseconds; expires_at is moved on by it where a read refreshes the memory.
-- history_limit is how many earlier values of the key are kept, as the one who stored the row has asked; NULL for none.

ALTER TABLE agent_memories
  ADD COLUMN version bigint DEFAULT floor(date_part('epoch', now()) * 1000000)::bigint,
  ADD COLUMN time_to_live bigint,
  ADD COLUMN history_limit integer;

-- For the rows that were there; the importer's rows stay without one.
ALTER TABLE agent_memories ALTER COLUMN version DROP DEFAULT;

CREATE INDEX agent_memories_expiring ON agent_memories (expires_at, agent_id) WHERE expires_at IS NOT NULL;

-- Earlier values of keys. A row with a source_id was imported, and has been deleted by an agent that keeps the history.
CREATE TABLE agent_memory_history (
  id           uuid NOT NULL DEFAULT gen_random_uuid(),
  agent_id     text NOT NULL REFERENCES agents (id),
  namespace    text COLLATE "C" NOT NULL,
  key          text COLLATE "C" NOT NULL,
  version      bigint,
  content      jsonb NOT NULL,
  metadata     jsonb NOT NULL,
  embedding    real[],
  stored_at    timestamptz,
  replaced_at  timestamptz NOT NULL DEFAULT now(),
  source_id    bigint,
  source_row   bigint,
  source_exact jsonb,
  PRIMARY KEY (agent_id, id)
);

CREATE INDEX agent_memory_history_by_key ON agent_memory_history (agent_id, namespace, key, version);

-- Keeps the value that is being replaced. A memory that has expired is as good as deleted, and so is its history.
CREATE FUNCTION agentbase_keep_history() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE TRIGGER agent_memories_history AFTER UPDATE ON agent_memories FOR EACH ROW
  WHEN (NEW.history_limit IS NOT NULL AND NEW.version IS DISTINCT FROM OLD.version)
  EXECUTE FUNCTION agentbase_keep_history();
