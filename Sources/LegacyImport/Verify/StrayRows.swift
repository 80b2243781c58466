// Rows that neither the importer nor an agent wrote: somebody added them by hand.

import Postgres

/// Looks for rows that came from no source and that no agent stored.
struct StrayRows: Sendable {
  let connection: PostgresConnection

  /// A row that nobody has entered: without a source and a writer, or with a source that no import knows.
  private static let isStray = """
    CASE WHEN there.source_id IS NULL THEN there.written_by IS NULL ELSE known.source_id IS NULL END
    """

  /// Adds the rows of these agents that somebody added by hand, and counts those that agents have written.
  func find(agents: [String], into report: inout VerificationReport) async throws {
    for target in ImportTarget.kinds {
      let rows: PostgresStatement = """
        \(identifier: target.table) AS there LEFT JOIN (
          SELECT DISTINCT unnest(row_agents) AS agent_id, source_id FROM agent_import_sources) AS known
        ON known.agent_id = there.agent_id AND known.source_id = there.source_id
        WHERE there.agent_id = ANY(\(agents))
        """
      // Everything in one look at the table.
      let counts = try await connection.queryOne(
        """
        SELECT count(*) FILTER (WHERE there.source_id IS NULL AND there.written_by IS NOT NULL),
          count(*) FILTER (WHERE \(unsafeSQL: Self.isStray)) FROM \(rows)
        """)
      report.written += try counts?.decode(0) ?? 0
      let count = try counts?.decode(1, as: Int.self) ?? 0
      if count > 0 { try await tell(count, target, rows, &report) }
    }
  }

  private func tell(
    _ count: Int, _ target: ImportTarget, _ rows: PostgresStatement, _ report: inout VerificationReport
  ) async throws {
    let name =
      switch target {
      case .memories, .history: "key"
      case .tools: "name"
      case .metrics: "metric_name"
      case .executions, .rows: "task_type"
      }
    let first = try await connection.query(
      """
      SELECT there.id, there.\(identifier: name) FROM \(rows) AND \(unsafeSQL: Self.isStray)
      ORDER BY there.id LIMIT \(VerificationReport.mostDifferences)
      """)
    for row in first {
      report.add(
        Difference(
          kind: .added, file: nil, table: nil, target: target.table,
          id: try row.decode(0, as: PostgresUUID.self).description, key: try row.decode(1), columns: []))
    }
    report.count(count - first.count)
  }
}
