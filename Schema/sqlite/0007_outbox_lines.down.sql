ALTER TABLE agentbase_outbox RENAME TO agentbase_outbox_before;

CREATE TABLE agentbase_outbox (
  agent_id   TEXT NOT NULL,
  kind       TEXT NOT NULL,
  namespace  TEXT NOT NULL,
  key        TEXT NOT NULL,
  sequence   INTEGER NOT NULL,
  written_at INTEGER NOT NULL,
  PRIMARY KEY (agent_id, kind, namespace, key)
) WITHOUT ROWID;

CREATE INDEX agentbase_outbox_by_sequence ON agentbase_outbox (agent_id, sequence);

INSERT INTO agentbase_outbox (agent_id, kind, namespace, key, sequence, written_at)
  SELECT agent_id, kind, namespace, key, max(sequence), min(written_at) FROM agentbase_outbox_before
  GROUP BY agent_id, kind, namespace, key;

UPDATE agentbase_cutover SET last_sequence = max(last_sequence, carried_sequence, coalesce(
  (SELECT max(sequence) FROM agentbase_outbox_before AS line WHERE line.agent_id = agentbase_cutover.agent_id), 0));

DROP TABLE agentbase_outbox_before;
