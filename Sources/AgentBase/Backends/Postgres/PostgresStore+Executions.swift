// An agent's executions in Postgres.

import Postgres

extension PostgresStore {
  func begin(_ draft: ExecutionDraft) async throws {
    try await write(ExecutionSQL.begin(draft, agent: agent))
  }

  func end(_ end: ExecutionEnd) async throws -> Bool {
    try await write(ExecutionSQL.end(end, agent: agent)).affectedRows > 0
  }

  func executions(_ query: ExecutionQuery) async throws -> [AgentExecution] {
    try await read(ExecutionSQL.find(query, agent: agent), PostgresExecutionRow.execution)
  }
}
