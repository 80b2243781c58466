// Reads by key, of all agents of a database, that are under way at once: one statement.

import Postgres

/// Reads of values by their keys. An answer is the row of the value, for the caller to decode in its own task.
struct GatheredReads: GatheredWork {
  let pool: PostgresPool

  /// Reads do not disturb each other.
  func key(of call: MemorySQL.Name) -> Never? { nil }
  var leavesAtOnce: Bool { true }

  func run(_ call: MemorySQL.Name) async throws -> PostgresRow? {
    try await pool.query(MemorySQL.value(agent: call.agent, call.name), isRepeatable: true).first
  }

  func run(together calls: [MemorySQL.Name]) async throws -> [GatheredAnswer<PostgresRow?>] {
    let rows = try await pool.query(MemorySQL.gatheredValues(calls), isRepeatable: true, isShared: true)
    var answers: [GatheredAnswer<PostgresRow?>] = Array(repeating: .answer(nil), count: calls.count)
    for row in rows {
      let place = Int(try row.decode(3, as: Int64.self)) - 1
      guard answers.indices.contains(place) else { continue }
      answers[place] = try row.decode(4, as: Bool.self) ? .runApart : .answer(row)
    }
    return answers
  }

  func meaning(of error: any Error) -> GatheredFailure { .of(error) }
}

extension GatheredFailure {
  /// What the driver's error means for the calls of a batch.
  static func of(_ error: any Error) -> GatheredFailure {
    guard let error = error as? PostgresError else { return error is CancellationError ? .cancelled : .fails }
    return switch error.code {
    case .cancelled: .cancelled
    case .encoding: .runApart
    // What was tried again until the time was up, and what the server's end brings, no other attempt mends.
    case .server:
      error.isSafeToRetry || ["53", "57"].contains(error.sqlState?.conditionClass ?? "") ? .fails : .runApart
    case .poolExhausted, .poolClosed, .connectionFailed, .timedOut: .failsAll
    default: .fails
    }
  }
}
