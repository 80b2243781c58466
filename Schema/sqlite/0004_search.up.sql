-- What memories are searched by: words, and vectors of a known length.
--
-- The names of the new tables hold none of the words by which legacy tables are known, so that nobody takes them for one.

-- The words of a memory with a blank between, as the library makes them; NULL where it has not read the row yet.
ALTER TABLE agentbase_memories ADD COLUMN words TEXT;

CREATE INDEX agentbase_memories_unread ON agentbase_memories (agent_id) WHERE words IS NULL;

CREATE INDEX agentbase_memories_embedded ON agentbase_memories (agent_id) WHERE embedding IS NOT NULL;

-- The words are cut and folded already, so that the tokenizer of ASCII does.
CREATE VIRTUAL TABLE agentbase_words USING fts5 (
  words, content='agentbase_memories', content_rowid='id', tokenize='ascii', columnsize=0
);

CREATE TRIGGER agentbase_words_inserted AFTER INSERT ON agentbase_memories WHEN new.words IS NOT NULL BEGIN
  INSERT INTO agentbase_words (rowid, words) VALUES (new.id, new.words);
END;

CREATE TRIGGER agentbase_words_deleted AFTER DELETE ON agentbase_memories WHEN old.words IS NOT NULL BEGIN
  INSERT INTO agentbase_words (agentbase_words, rowid, words) VALUES ('delete', old.id, old.words);
END;

CREATE TRIGGER agentbase_words_updated AFTER UPDATE OF words ON agentbase_memories WHEN new.words IS NOT old.words BEGIN
  INSERT INTO agentbase_words (agentbase_words, rowid, words)
    SELECT 'delete', old.id, old.words WHERE old.words IS NOT NULL;
  INSERT INTO agentbase_words (rowid, words) SELECT new.id, new.words WHERE new.words IS NOT NULL;
END;

-- A value that something else than the library has changed: its words are made again.
CREATE TRIGGER agentbase_words_forgotten AFTER UPDATE OF content ON agentbase_memories
  WHEN new.words = old.words AND new.content <> old.content
BEGIN
  UPDATE agentbase_memories SET words = NULL WHERE id = new.id;
END;

-- Spaces of vectors that can be compared: of an agent (namespace ''), or of a namespace and what nests in it. While a change to
-- another embedding is under way, changed_namespace and changed_key are the memory that it has come to.
CREATE TABLE agentbase_spaces (
  agent_id          TEXT NOT NULL,
  namespace         TEXT NOT NULL,
  dimensions        INTEGER NOT NULL,
  metric            TEXT NOT NULL,
  changed_namespace TEXT,
  changed_key       TEXT,
  PRIMARY KEY (agent_id, namespace)
) WITHOUT ROWID;

-- Whoever stores a vector: its length is that of its space.
CREATE TRIGGER agentbase_spaces_inserted AFTER INSERT ON agentbase_memories WHEN new.embedding IS NOT NULL BEGIN
  SELECT RAISE(ABORT, 'the embedding has other dimensions than its space') WHERE length(new.embedding) <> 4 * (
    SELECT dimensions FROM agentbase_spaces AS space
    WHERE space.agent_id = new.agent_id AND (space.namespace IN ('', new.namespace)
      OR substr(new.namespace, 1, length(space.namespace) + 1) = space.namespace || '/')
    ORDER BY length(space.namespace) DESC LIMIT 1);
END;

CREATE TRIGGER agentbase_spaces_updated AFTER UPDATE OF embedding ON agentbase_memories WHEN new.embedding IS NOT NULL BEGIN
  SELECT RAISE(ABORT, 'the embedding has other dimensions than its space') WHERE length(new.embedding) <> 4 * (
    SELECT dimensions FROM agentbase_spaces AS space
    WHERE space.agent_id = new.agent_id AND (space.namespace IN ('', new.namespace)
      OR substr(new.namespace, 1, length(space.namespace) + 1) = space.namespace || '/')
    ORDER BY length(space.namespace) DESC LIMIT 1);
END;
