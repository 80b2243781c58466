// An agent's executions in a SQLite file.

extension SQLiteStore {
  func begin(_ draft: ExecutionDraft) async throws {
    try await write { transaction in
      let table = try transaction.ownTable(of: .executions)
      try transaction.executions.begin(draft, in: table)
      try transaction.noteRow(.execution, id: draft.id, in: table.table.name)
      try transaction.reflect(execution: draft.id)
    }
  }

  func end(_ end: ExecutionEnd) async throws -> Bool {
    try await write { transaction in
      let isEnded = try transaction.executions.end(end)
      if isEnded {
        try transaction.noteEnd(of: end.id)
        try transaction.reflect(execution: end.id)
      }
      return isEnded
    }
  }

  func executions(_ query: ExecutionQuery) async throws -> [Placed<AgentExecution>] {
    try await read { try $0.executions.find(query) }
  }

  func statistics(_ count: ExecutionCount) async throws -> ExecutionStatistics {
    try await read { try $0.executions.statistics(count) }
  }
}
