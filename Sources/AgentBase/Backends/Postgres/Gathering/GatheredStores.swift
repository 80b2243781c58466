// Stores, of all agents of a database, that are under way at once: one statement, and one commit.

import Postgres

/// Stores of values under their keys. An answer is the version.
struct GatheredStores: GatheredWork {
  /// A value on its way into the store of an agent.
  struct Call: Sendable {
    let agent: String
    let draft: MemoryDraft

    var name: MemorySQL.Name { MemorySQL.Name(agent: agent, name: draft.name) }

    /// Whether it may wait for others, and others for it: a large value would hold them up.
    var isGathered: Bool { draft.valueText.utf8.count + 4 * (draft.embedding?.count ?? 0) <= 16_384 }
  }

  let pool: PostgresPool

  /// One statement can store a key once.
  func key(of call: Call) -> MemorySQL.Name? { call.name }
  /// What was cancelled must not be stored later.
  var leavesAtOnce: Bool { false }

  func run(_ call: Call) async throws -> Int64 {
    try await pool.query(MemorySQL.store(call.draft, agent: call.agent)).version()
  }

  func run(together calls: [Call]) async throws -> [GatheredAnswer<Int64>] {
    // In the order of the names, so that no two batches wait for each other.
    let order = calls.indices.map { (name: calls[$0].name, place: $0) }.sorted { $0.name < $1.name }
    let drafts = order.map { (agent: calls[$0.place].agent, draft: calls[$0.place].draft) }
    let rows = try await pool.query(
      MemorySQL.store(
        drafts, words: TextSearchVector.array(of: drafts.map { ($0.agent, $0.draft.words) }),
        answersVersions: true, isPatient: false), isShared: true)
    var answers: [GatheredAnswer<Int64>] = Array(repeating: .answer(0), count: calls.count)
    for (row, entry) in zip(rows, order) { answers[entry.place] = .answer(try row.decode(0)) }
    return answers
  }

  func meaning(of error: any Error) -> GatheredFailure { .of(error) }
}
