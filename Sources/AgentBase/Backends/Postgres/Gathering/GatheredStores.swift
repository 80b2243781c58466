// Stores, of all agents of a database, that are under way at once: one statement, and one commit.

import Postgres

/// A value on its way into the store of an agent.
struct MemoryStoring: Sendable {
  let agent: String
  let draft: MemoryDraft

  var place: MemoryPlace { MemoryPlace(agent: agent, namespace: draft.namespace, key: draft.key) }

  /// Whether it may wait for others, and let others wait for it: a large value would hold them up, and the vectors of
  /// different dimensions are no column of a statement.
  var isGathered: Bool { draft.embedding == nil && draft.valueText.utf8.count <= 16_384 }
}

/// Stores of values under their keys.
struct GatheredStores: GatheredWork {
  let pool: PostgresPool

  /// One statement can store a key once.
  func key(of call: MemoryStoring) -> MemoryPlace? { call.place }
  /// What was cancelled must not be stored later.
  var leavesAtOnce: Bool { false }

  func run(_ call: MemoryStoring) async throws {
    try await pool.execute(MemorySQL.store(call.draft, agent: call.agent))
  }

  func run(together calls: [MemoryStoring]) async throws -> [GatheredAnswer<Void>] {
    try await pool.execute(MemorySQL.store(calls))
    return Array(repeating: .answer(()), count: calls.count)
  }

  func meaning(of error: any Error) -> GatheredFailure { .of(error) }
}
