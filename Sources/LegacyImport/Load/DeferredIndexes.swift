// The indexes and references that a first import does without until its rows are there.

import Postgres

/// What an import takes away from empty tables before it fills them, and makes again behind it.
///
/// No unique key is among them, so that agents may write meanwhile, and an import that is cut off leaves tables that are
/// right, only slower to search. The next import completes them.
struct DeferredIndexes: Sendable {
  let connection: PostgresConnection

  /// Below so many bytes of legacy files an import is over before it pays.
  static let leastBytes = 2 << 20

  /// Takes them away from the tables that are empty. Where the user does not own the tables, or somebody is at work in them,
  /// they stay.
  func lighten() async throws {
    for target in ImportTarget.kinds {
      do {
        try await connection.transaction { connection in
          try await connection.execute("SET LOCAL lock_timeout = '1s'")
          _ = try await connection.query("SELECT agentbase_lighten(\(target.table))")
        }
      } catch let error as PostgresError where error.code == .server { return }
    }
  }

  /// Makes all of them that are missing.
  ///
  /// - Returns: what could not be made, in one line each.
  func complete() async throws -> [String] {
    var warnings: [String] = []
    for target in ImportTarget.kinds { warnings += try await complete(target) }
    return warnings
  }

  /// Makes those of one table that are missing.
  func complete(_ target: ImportTarget) async throws -> [String] {
    guard ImportTarget.kinds.contains(target) else { return [] }
    do {
      try await connection.transaction { connection in
        // Sorting in memory is what makes the difference; it is given back at the end.
        try await connection.execute("SET LOCAL maintenance_work_mem = '256MB'")
        _ = try await connection.query("SELECT agentbase_complete(\(target.table))")
      }
      return []
    } catch let error as PostgresError where error.code == .server {
      return [
        "\(target.table) lacks an index or its reference to agents: \(error.message); "
          + "all rows are there, and the next import tries again"
      ]
    }
  }
}
