// Rows that neither the importer nor an agent wrote: somebody added them by hand.

import Postgres

/// Looks for rows that came from no source and that no agent stored.
struct StrayRows: Sendable {
  let connection: PostgresConnection

  /// Adds the rows of these agents that somebody added by hand, and counts those that agents have written.
  func find(agents: [String], into report: inout VerificationReport) async throws {
    for target in ImportTarget.allCases where target != .rows {
      let name =
        switch target {
        case .memories: "key"
        case .tools: "name"
        case .metrics: "metric_name"
        case .executions, .rows: "task_type"
        }
      let written = try await connection.queryOne(
        """
        SELECT count(*) FROM \(identifier: target.table)
        WHERE agent_id = ANY(\(agents)) AND source_id IS NULL AND written_by IS NOT NULL
        """)
      report.written += try written?.decode(0) ?? 0
      let stray = try await connection.query(
        """
        SELECT id, \(identifier: name) FROM \(identifier: target.table)
        WHERE agent_id = ANY(\(agents)) AND source_id IS NULL AND written_by IS NULL ORDER BY id
        """)
      for row in stray {
        report.add(
          Difference(
            kind: .added, file: nil, table: nil, target: target.table,
            id: try row.decode(0, as: PostgresUUID.self).description, key: try row.decode(1), columns: []))
      }
      // A row that says it came from a source which no import has entered.
      let unknown = try await connection.query(
        """
        SELECT id, \(identifier: name) FROM \(identifier: target.table) AS row
        WHERE agent_id = ANY(\(agents)) AND source_id IS NOT NULL AND NOT EXISTS (
          SELECT FROM agent_import_sources AS source
          WHERE source.source_id = row.source_id AND row.agent_id = ANY(source.row_agents)) ORDER BY id
        """)
      for row in unknown {
        report.add(
          Difference(
            kind: .added, file: nil, table: nil, target: target.table,
            id: try row.decode(0, as: PostgresUUID.self).description, key: try row.decode(1), columns: []))
      }
    }
  }
}
