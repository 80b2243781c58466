// Sets sequences past the copied numbers, so that the next row that is inserted gets a new one. Never backwards.

import AgentBase
import Postgres

/// The sequences of a table that was copied.
struct SequenceReset: Sendable {
  let connection: PostgresConnection
  let isDryRun: Bool

  /// Sets the sequences of a table's columns past the highest value there, and past the highest that SQLite ever gave.
  ///
  /// - Parameter lastNumber: what `sqlite_sequence` says of the source table.
  func run(_ route: TableRoute, lastNumber: Int64?) async throws -> [CopyReport.Sequence] {
    var sequences: [CopyReport.Sequence] = []
    for column in route.target.columns {
      guard let sequence = column.sequence else { continue }
      let place = route.columns.first { $0.target.number == column.number }?.place
      let isRowID = place != nil && place == route.source.table.rowIDColumn
      sequences.append(
        try await reset(sequence, of: column, in: route.target, atLeast: isRowID ? lastNumber : nil))
    }
    return sequences
  }

  private func reset(
    _ sequence: UInt32, of column: TargetColumn, in table: TargetTable, atLeast: Int64?
  ) async throws -> CopyReport.Sequence {
    let known = try await connection.queryOne(
      "SELECT seqrelid::regclass::text, seqincrement, seqmax FROM pg_sequence WHERE seqrelid = \(Int64(sequence))::oid"
    )
    guard let known else {
      return report(table, column, "", nil, isSet: false, problem: "the sequence is gone")
    }
    let name = try known.decode(0, as: String.self)
    let state = try await connection.queryOne(
      PostgresStatement(
        sql: """
          SELECT CASE WHEN is_called THEN last_value END,
            (SELECT max(\(PostgresIdentifier.quoted(column.name)))::bigint FROM \(table.sql)) FROM \(name)
          """))
    let last = try state?.decode(0, as: Int64?.self)
    let highest = [try state?.decode(1, as: Int64?.self), atLeast].compactMap(\.self).max()
    guard try known.decode(1, as: Int64.self) > 0 else {
      return report(table, column, name, last, isSet: false, problem: "it counts down")
    }
    guard let highest, highest > last ?? 0 else { return report(table, column, name, last, isSet: false) }
    guard try highest <= known.decode(2, as: Int64.self) else {
      return report(
        table, column, name, last, isSet: false, problem: "its highest value is below \(highest)")
    }
    if !isDryRun {
      // Another session may have drawn more numbers meanwhile.
      try await connection.execute(
        PostgresStatement(
          sql: "SELECT setval($1::regclass, greatest($2, last_value)) FROM \(name)",
          values: [.text(name), .int8(highest)]))
    }
    return report(table, column, name, highest, isSet: true)
  }

  private func report(
    _ table: TargetTable, _ column: TargetColumn, _ name: String, _ value: Int64?, isSet: Bool,
    problem: String? = nil
  ) -> CopyReport.Sequence {
    CopyReport.Sequence(
      table: table.displayName, column: column.name, name: name, value: value, isSet: isSet, problem: problem)
  }
}
