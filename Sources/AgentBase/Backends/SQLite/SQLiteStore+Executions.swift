// An agent's executions in a SQLite file.

extension SQLiteStore {
  func begin(_ draft: ExecutionDraft) async throws {
    try await write { try $0.executions.begin(draft, in: try $0.ownTable(of: .executions)) }
  }

  func end(_ end: ExecutionEnd) async throws -> Bool { try await write { try $0.executions.end(end) } }

  func executions(_ query: ExecutionQuery) async throws -> [Placed<AgentExecution>] {
    try await read { try $0.executions.find(query) }
  }

  func statistics(_ count: ExecutionCount) async throws -> ExecutionStatistics {
    try await read { try $0.executions.statistics(count) }
  }
}
