DROP INDEX IF EXISTS agent_memories_imported;
DROP INDEX IF EXISTS agent_tools_imported;

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
SELECT agentbase_complete('agent_tools');
