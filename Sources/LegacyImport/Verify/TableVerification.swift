// Compares every row of one source table with the row in Postgres, value for value, both read in the order of their places.

import AgentBase
import Postgres

/// The verification of one source table.
struct TableVerification: Sendable {
  let connection: PostgresConnection
  let reader: SourceReader
  let source: SourceTable
  let time: LegacyTime
  let embeddingType: EmbeddingType
  /// The time of the migration, RFC 3339, that most rows carry.
  let migratedAt: String
  /// The agents whose rows the source holds.
  let agents: [String]
  let onEvent: @Sendable (ImportEvent) -> Void

  /// A row of the source that Postgres does not have. It is told without its values, which would keep its chunk in memory.
  private typealias MissingRow = (uuid: PostgresUUID, difference: Difference)

  /// Rows that are fetched at once.
  private static let batch = 2000

  /// Compares, and adds what it finds.
  func run(into report: inout VerificationReport) async throws {
    // Rows without a rowid stand in the source in the order of their keys, and in Postgres in that of their hashes: they are
    // compared a part at a time, so that what is held does not grow with the table.
    guard source.table.hasRowID else {
      let rows = try await reader.rowCount(of: source)
      let parts = max(1, (rows + 19_999) / 20_000)
      for part in 0..<parts { try await compareByIdentity(part: part, of: parts, &report) }
      return
    }
    try await compareInOrder(&report)
  }

  // MARK: - In order

  private func compareInOrder(_ report: inout VerificationReport) async throws {
    var found = report
    try await connection.transaction(.readOnlySnapshot) { connection in
      var expected = ExpectedRows(reader: reader, migratedAt: migratedAt) { onEvent(.advanced(rows: $0)) }
      try await expected.begin(source, time: time, embeddingType: embeddingType)
      var actual = CursorRows(connection: connection, batch: Self.batch)
      try await actual.open(selection(order: true))
      let comparison = RowComparison(source.target)
      var missing: [MissingRow] = []
      var left = try await expected.next()
      var right = try await placed(&actual)
      while left != nil || right != nil {
        if let expectedRow = left, right.map({ expectedRow.sourceRow < $0.place }) ?? true {
          missing.append(self.missing(expectedRow))
          left = try await expected.next()
        } else if let (row, place) = right, left.map({ place < $0.sourceRow }) ?? true {
          found.add(try added(row))
          right = try await placed(&actual)
        } else if let (row, _) = right, let uuid = left?.uuid,
          try row.decode(0, as: PostgresUUID.self) != uuid
        {
          // Somebody has copied a row, its place with it.
          found.add(try added(row))
          right = try await placed(&actual)
        } else if let expectedRow = left, let (row, _) = right {
          compare(expectedRow, row, comparison, &found)
          left = try await expected.next()
          right = try await placed(&actual)
        }
        if missing.count >= Self.batch { try await settle(&missing, &found) }
      }
      found.rejected += expected.rejected
      try await settle(&missing, &found)
    }
    report = found
  }

  /// The next row of the target, with its place in the source.
  private func placed(_ rows: inout CursorRows) async throws -> (row: PostgresRow, place: Int64)? {
    guard let row = try await rows.next() else { return nil }
    return (row, try row.decode(row.count - 2))
  }

  private func compare(
    _ expected: ExpectedRow, _ actual: PostgresRow, _ comparison: RowComparison,
    _ report: inout VerificationReport
  ) {
    report.compared += 1
    let columns = comparison.differences(expected: expected.bytes, actual: actual)
    guard !columns.isEmpty else { return }
    report.add(difference(.altered, expected, columns: columns))
  }

  // MARK: - By identity

  private func compareByIdentity(part: Int, of parts: Int, _ report: inout VerificationReport) async throws {
    var found = report
    try await connection.transaction(.readOnlySnapshot) { connection in
      var expected = ExpectedRows(reader: reader, migratedAt: migratedAt) { rows in
        if part == 0 { onEvent(.advanced(rows: rows)) }
      }
      try await expected.begin(source, time: time, embeddingType: embeddingType)
      var rows: [PostgresUUID: ExpectedRow] = [:]
      while let row = try await expected.next() {
        if Int(row.uuid.low % UInt64(parts)) == part { rows[row.uuid] = row.detached }
      }
      if part == 0 { found.rejected += expected.rejected }
      var actual = CursorRows(connection: connection, batch: Self.batch)
      try await actual.open(selection(order: false))
      let comparison = RowComparison(source.target)
      while let row = try await actual.next() {
        let uuid = try row.decode(0, as: PostgresUUID.self)
        guard Int(uuid.low % UInt64(parts)) == part else { continue }
        if let expectedRow = rows.removeValue(forKey: uuid) {
          compare(expectedRow, row, comparison, &found)
        } else {
          found.add(try added(row))
        }
      }
      var missing = rows.values.map { self.missing($0) }
      try await settle(&missing, &found)
    }
    report = found
  }

  // MARK: - Differences

  /// The rows of the source in Postgres.
  private func selection(order: Bool) -> PostgresStatement {
    let columns = source.target.columns.map(PostgresIdentifier.quoted).joined(separator: ", ")
    var statement: PostgresStatement =
      "SELECT \(unsafeSQL: columns) FROM \(identifier: source.target.table) WHERE agent_id = ANY(\(agents)) AND source_id = \(source.sourceID)"
    if order { statement.sql += " ORDER BY source_row" }
    return statement
  }

  private func difference(_ kind: Difference.Kind, _ row: ExpectedRow, columns: [String] = []) -> Difference {
    let copied = CopiedRow(row.bytes, target: source.target)
    return Difference(
      kind: kind, file: source.file.relativePath, table: source.table.name, target: source.target.table,
      id: row.uuid.description, key: copied.legacyID?.text ?? "?", columns: columns)
  }

  /// A row that Postgres does not have; what it is in the end, `settle` decides.
  private func missing(_ row: ExpectedRow) -> MissingRow { (row.uuid, difference(.missing, row)) }

  private func added(_ row: PostgresRow) throws -> Difference {
    let metadata = try? JSON(parsing: row.decode(2, as: String.self))
    return Difference(
      kind: .added, file: source.file.relativePath, table: source.table.name, target: source.target.table,
      id: try row.decode(0, as: PostgresUUID.self).description, key: metadata?["legacy_id"]?.text ?? "?",
      columns: [])
  }

  /// Decides what rows that Postgres does not have are: put aside as rejects, deleted by an agent since, or missing.
  private func settle(_ missing: inout [MissingRow], _ report: inout VerificationReport) async throws {
    guard !missing.isEmpty else { return }
    let ids = missing.map(\.uuid)
    let rejected = try await identities(
      "SELECT id FROM agent_import_rejects WHERE agent_id = \(source.file.agent) AND id = ANY(\(ids))")
    let deleted = try await identities(
      "SELECT id FROM agent_import_deletions WHERE agent_id = ANY(\(agents)) AND id = ANY(\(ids))")
    for (uuid, difference) in missing {
      if rejected.contains(uuid) {
        report.rejected += 1
      } else if deleted.contains(uuid) {
        report.deleted += 1
      } else {
        report.add(difference)
      }
    }
    missing.removeAll()
  }

  private func identities(_ statement: PostgresStatement) async throws -> Set<PostgresUUID> {
    Set(try await connection.query(statement).map { try $0.decode(0) })
  }
}
