-- The outbox has a line for each change, as Postgres' has, and is written at its end alone: a store touches one page of it, and no
-- index. What changes a hundred times takes a hundred lines, and is carried once: who carries reads each thing once a batch.
--
-- The number of the newest change is no longer counted: it is that of the newest line, or of the last one that was removed.
-- last_sequence in agentbase_cutover is the least that it can be: that of the newest line when some were set aside.

ALTER TABLE agentbase_outbox RENAME TO agentbase_outbox_before;

CREATE TABLE agentbase_outbox (
  agent_id   TEXT NOT NULL,
  sequence   INTEGER NOT NULL,
  kind       TEXT NOT NULL,
  namespace  TEXT NOT NULL,
  key        TEXT NOT NULL,
  written_at INTEGER NOT NULL,
  PRIMARY KEY (agent_id, sequence)
) WITHOUT ROWID;

INSERT INTO agentbase_outbox (agent_id, sequence, kind, namespace, key, written_at)
  SELECT agent_id, sequence, kind, namespace, key, written_at FROM agentbase_outbox_before ORDER BY agent_id, sequence;

DROP TABLE agentbase_outbox_before;
