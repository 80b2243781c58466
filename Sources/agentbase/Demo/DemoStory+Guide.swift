// What guide 1 promises, asked of the database in its own words.

internal import AgentBase
internal import DemoFleet
internal import Postgres

extension DemoStory {
  /// Guide 1, "Data Transformation": the record as it should stand in Postgres.
  func recordOfTheGuide() async throws -> DemoFinding {
    let record = try await stage.withConnection { connection in
      try await connection.queryOne(
        """
        SELECT json_build_object('id', id, 'agent_id', agent_id, 'content', content, 'metadata', metadata,
          'embedding', embedding, 'created_at', to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))::text
        FROM agent_memories WHERE agent_id = 'operational_crawler' AND key = '1'
        """
      ).map { try JSON(parsing: try $0.decode(0, as: String.self)) }
    }
    let content: JSON = ["content": "User query about pricing", "timestamp": "2024-01-15 10:30:00"]
    let holds =
      record?["content"] == content && record?["agent_id"] == "operational_crawler"
      && record?["metadata"]?["source_table"] == "memory" && record?["metadata"]?["migrated_at"] != nil
      && record?["embedding"] == .null && record?["created_at"] == "2024-01-15T10:30:00Z"
    let members = ["id", "content", "metadata", "created_at"]
    return DemoFinding(
      holds: holds, claim: holds ? "as printed there, the id being a UUID" : "not as printed there",
      lines: members.flatMap { DemoPage.wrapped("\($0): \(record?[$0]?.jsonbText ?? "(none)")", to: 74) },
      facts: ["record": record ?? .null])
  }

  /// Guide 1, "Migration Validation", letter for letter.
  func queriesOfTheGuide() async throws -> DemoFinding {
    let agents = Set(files.flatMap { [$0.agent] + $0.memories.map(\.agent) })
    let named = try await stage.withConnection { connection in
      let named = try await connection.query(PostgresStatement(sql: Self.completeness))
      _ = try await connection.query(PostgresStatement(sql: Self.recentMigrations))
      return try named.map { try $0.decode("agent_name", as: String.self) }
    }
    return DemoFinding(
      holds: agents.isSubset(of: named),
      claim: "both run as printed: \(named.count.counted("agent"))",
      facts: ["agents": .integer(named.count)])
  }

  private static let completeness = """
    -- Check migration completeness
    SELECT 
      a.name as agent_name,
      COUNT(m.id) as memory_count,
      COUNT(t.id) as tool_count,
      COUNT(mt.id) as metric_count
    FROM agents a
    LEFT JOIN agent_memories m ON a.id = m.agent_id
    LEFT JOIN agent_tools t ON a.id = t.agent_id  
    LEFT JOIN agent_metrics mt ON a.id = mt.agent_id
    GROUP BY a.name;
    """

  private static let recentMigrations = """
    -- Verify recent migrations
    SELECT 
      agent_id,
      COUNT(*) as records,
      MAX(created_at) as latest_record
    FROM agent_memories 
    WHERE created_at > NOW() - INTERVAL '1 hour'
    GROUP BY agent_id;
    """
}
