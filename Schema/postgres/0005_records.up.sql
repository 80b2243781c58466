-- What is kept of the uses of a tool: how many went well and how many failed, how long they took, and when the last was.
--
-- An imported tool's own counts stay in its configuration, as its row was; a stored copy of it counts on from there.
-- timed_ms is how long the timed_count uses took together whose duration is known.

ALTER TABLE agent_tools
  ADD COLUMN success_count bigint NOT NULL DEFAULT 0,
  ADD COLUMN failure_count bigint NOT NULL DEFAULT 0,
  ADD COLUMN timed_count bigint NOT NULL DEFAULT 0,
  ADD COLUMN timed_ms double precision NOT NULL DEFAULT 0,
  ADD COLUMN last_used_at timestamptz;
