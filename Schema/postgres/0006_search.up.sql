-- What memories are searched by: words, and vectors of a known length.
--
-- The library makes the words of a memory itself, the same for every backend, and one more that tells whose memory it is, so that the
-- index leaves out those of others. Rows without words (imported ones, and those of before this step) are read one by one.

ALTER TABLE agent_memories ADD COLUMN words tsvector;

-- A vector of some hundred numbers stays in its row: where each is compared, fetching them from elsewhere takes many times longer.
ALTER TABLE agent_memories SET (toast_tuple_target = 4080);

CREATE INDEX agent_memories_words ON agent_memories USING gin (words) WHERE source_id IS NULL;

CREATE INDEX agent_memories_unread ON agent_memories (agent_id, namespace, key) WHERE words IS NULL AND source_id IS NULL;

-- A value that something else than the library has changed: its words are made again.
CREATE FUNCTION agentbase_forget_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.words := NULL;
  RETURN NEW;
END
$$;

CREATE TRIGGER agent_memories_words BEFORE UPDATE OF content ON agent_memories FOR EACH ROW
  WHEN (NEW.words = OLD.words AND NEW.content <> OLD.content)
  EXECUTE FUNCTION agentbase_forget_words();

-- Spaces of vectors that can be compared: of an agent (namespace ''), or of a namespace and what nests in it. While a change to
-- another embedding is under way, changed_namespace and changed_key are the memory that it has come to.
CREATE TABLE agent_vector_spaces (
  agent_id          text NOT NULL REFERENCES agents (id),
  namespace         text COLLATE "C" NOT NULL,
  dimensions        integer NOT NULL CHECK (dimensions BETWEEN 1 AND 16000),
  metric            text NOT NULL CHECK (metric IN ('cosine', 'innerProduct', 'euclidean')),
  changed_namespace text COLLATE "C",
  changed_key       text COLLATE "C",
  updated_at        timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (agent_id, namespace)
);

-- A vector on its way into a row, whoever stores it: its length is that of its space.
CREATE FUNCTION agentbase_vector(numbers real[], agent text, name text) RETURNS real[] LANGUAGE plpgsql STABLE STRICT AS $$
DECLARE
  wanted integer;
BEGIN
  SELECT dimensions INTO wanted FROM agent_vector_spaces AS space
    WHERE space.agent_id = agent
      AND (space.namespace IN ('', name) OR starts_with(name, space.namespace || '/'))
    ORDER BY length(space.namespace) DESC LIMIT 1;
  IF wanted <> array_length(numbers, 1) THEN
    RAISE EXCEPTION 'the embedding has % dimensions, and its space %', array_length(numbers, 1), wanted
      USING ERRCODE = 'AB001';
  END IF;
  RETURN numbers;
END
$$;

-- As before, with the index by which the vectors of an agent are found, and counted, where it has few.
CREATE OR REPLACE FUNCTION agentbase_deferred() RETURNS TABLE (target text, name text, definition text) LANGUAGE sql IMMUTABLE AS $$
  VALUES
    ('agent_memories', 'agent_memories_imported',
      'CREATE INDEX agent_memories_imported ON agent_memories (agent_id, namespace, key, updated_at NULLS FIRST, source_row)
        WHERE source_id IS NOT NULL'),
    ('agent_memories', 'agent_memories_embedded',
      'CREATE INDEX agent_memories_embedded ON agent_memories (agent_id, namespace) WHERE embedding IS NOT NULL'),
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

SELECT agentbase_complete('agent_memories');
