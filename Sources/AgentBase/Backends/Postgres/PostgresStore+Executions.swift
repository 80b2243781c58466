// An agent's executions in Postgres.

import Postgres

extension PostgresStore {
  func begin(_ draft: ExecutionDraft) async throws {
    try await write(ExecutionSQL.begin(draft, agent: agent))
  }

  func end(_ end: ExecutionEnd) async throws -> Bool {
    try await write(ExecutionSQL.end(end, agent: agent)).affectedRows > 0
  }

  func executions(_ query: ExecutionQuery) async throws -> [Placed<AgentExecution>] {
    try await read(try ExecutionSQL.find(query, agent: agent), PostgresExecutionRow.execution)
  }

  func statistics(_ count: ExecutionCount) async throws -> ExecutionStatistics {
    let places = count.percentiles
    let lines = try await NumberSummary.withOverflow {
      try await read(ExecutionSQL.statistics(count, agent: agent)) { row throws(PostgresError) in
        (
          status: try row.decode(0, as: String?.self).map(AgentExecution.Status.init),
          count: try row.decode(1, as: Int.self), durations: try row.summary(2, places)
        )
      }
    }
    var statistics = ExecutionStatistics(total: 0, counts: [:], durationsByStatus: [:])
    for line in lines {
      guard let status = line.status else {
        (statistics.total, statistics.durations) = (line.count, line.durations)
        continue
      }
      statistics.counts[status] = line.count
      statistics.durationsByStatus[status] = line.durations
    }
    return statistics
  }
}
