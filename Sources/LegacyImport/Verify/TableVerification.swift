// Compares every row of one source table with the row in Postgres, value for value.

import AgentBase
import Postgres

/// The verification of one source table.
///
/// Both sides are read as they are stored, which is nearly the same order: the import loads a table in the order of its
/// places. Where the order has become too different for the rows that wait to be held, the server sorts; rows without a
/// rowid are then compared a part at a time.
struct TableVerification: Sendable {
  let connection: PostgresConnection
  let reader: SourceReader
  let source: SourceTable
  let encoder: RowEncoder
  /// The agents whose rows the source holds.
  let agents: [String]
  let onEvent: @Sendable (ImportEvent) -> Void

  /// A row of the source that Postgres does not have. It is told without its values, which would keep its chunk in memory.
  private typealias MissingRow = (uuid: PostgresUUID, difference: Difference)

  /// Rows that are fetched at once.
  private static let batch = 2000

  /// Compares, and adds what it finds.
  ///
  /// - Returns: what was seen, where there was no difference and both sides were read as they are stored.
  func run(into report: inout VerificationReport) async throws -> Proof? {
    if let (found, proof) = try await compareAsStored(report) {
      defer { report = found }
      return found.differenceCount == report.differenceCount ? proof : nil
    } else if source.table.hasRowID {
      try await compareInOrder(&report)
    } else {
      // Rows without a rowid stand in the source in the order of their keys, and in Postgres in that of their hashes.
      let rows = try await reader.rowCount(of: source)
      let parts = max(1, (rows + 19_999) / 20_000)
      for part in 0..<parts { try await compareByIdentity(part: part, of: parts, &report) }
    }
    return nil
  }

  private func expectedRows(announces: Bool) async throws -> ExpectedRows {
    let onEvent = onEvent
    return try await ExpectedRows(source.schema, encoder: encoder, reader: reader) { rows in
      if announces { onEvent(.advanced(.verifying, rows: rows)) }
    }
  }

  // MARK: - As both are stored

  /// Compares in the order in which the rows come; answers nil where too many would have to wait for their partners.
  private func compareAsStored(_ report: VerificationReport) async throws -> (VerificationReport, Proof)? {
    do {
      return try await comparedAsStored(report)
    } catch is TooFarApart {
      return nil
    }
  }

  /// - Throws: `TooFarApart`, which ends the transaction: the server has to stop in the middle of its answer.
  private func comparedAsStored(_ report: VerificationReport) async throws -> (VerificationReport, Proof) {
    var found = report
    var proof = Proof()
    try await connection.transaction(.readOnlySnapshot) { connection in
      try await connection.executeScript(Self.asStored)
      let selection = try await literalSelection()
      var expected = try await expectedRows(announces: true)
      var pairing = RowPairing<PostgresUUID>()
      var missing: [MissingRow] = []
      let comparison = RowComparison(source.target)
      var decoder = PostgresCopyDecoder()
      _ = try await expected.advance()
      try await connection.copyOut(selection) { (batch: PostgresCopyBatch) in
        for place in 0..<batch.count {
          guard let sent = unsafe try decoder.row(of: batch[place]) else { continue }
          let (row, transaction) = unsafe Self.parted(sent)
          proof.add(transaction: transaction)
          unsafe try await pair(row, &expected, &pairing, comparison, &found)
        }
        if pairing.isFull { throw TooFarApart() }
      }
      while let identity = expected.identity {
        if let actual = pairing.takeActual(identity.uuid) {
          unsafe expected.withBytes { bytes in
            unsafe actual.withUnsafeBytes { unsafe compare(bytes, $0, identity.uuid, comparison, &found) }
          }
        } else if let row = expected.row {
          missing.append(self.missing(row))
        }
        if missing.count >= Self.batch { try await settle(&missing, &found) }
        _ = try await expected.advance()
      }
      for (uuid, bytes) in pairing.expected {
        missing.append((uuid, difference(.missing, uuid, CopiedRow(bytes[...], target: source.target))))
      }
      for (uuid, bytes) in pairing.actual {
        found.add(difference(.added, uuid, CopiedRow(bytes[...], target: source.target)))
      }
      found.rejected += expected.rejected
      try await settle(&missing, &found)
    }
    return (found, proof)
  }

  private struct TooFarApart: Error {}

  /// A row that the server sent, and the number of the transaction that wrote it, which stands behind the row's own fields.
  private static func parted(_ sent: UnsafeRawBufferPointer) -> (
    row: UnsafeRawBufferPointer, transaction: UInt32
  ) {
    guard sent.count >= 8 else { return unsafe (sent, 0) }
    let transaction = unsafe UInt32(
      bigEndian: sent.loadUnaligned(fromByteOffset: sent.count - 4, as: UInt32.self))
    return unsafe (UnsafeRawBufferPointer(rebasing: sent.dropLast(8)), transaction)
  }

  /// Lets the server answer the rows in the order in which they stand in the table.
  static let asStored = """
    SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off; SET LOCAL synchronize_seqscans = off;
    SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL jit = off
    """

  /// Pairs a row of Postgres with its row of the source, or lets one of them wait.
  private func pair(
    _ row: UnsafeRawBufferPointer, _ expected: inout ExpectedRows, _ pairing: inout RowPairing<PostgresUUID>,
    _ comparison: RowComparison, _ found: inout VerificationReport
  ) async throws {
    let uuid = unsafe PostgresUUID(copiedRow: row)
    while let next = expected.identity {
      if next.uuid == uuid {
        unsafe expected.withBytes { unsafe compare($0, row, uuid, comparison, &found) }
        _ = try await expected.advance()
        return
      }
      if let waiting = pairing.takeExpected(uuid) {
        return unsafe waiting.withUnsafeBytes { unsafe compare($0, row, uuid, comparison, &found) }
      }
      if let waiting = pairing.takeActual(next.uuid) {
        unsafe expected.withBytes { bytes in
          unsafe waiting.withUnsafeBytes { unsafe compare(bytes, $0, next.uuid, comparison, &found) }
        }
        _ = try await expected.advance()
        continue
      }
      let isBehind =
        source.table.hasRowID
        ? unsafe CopiedRow.sourceRow(of: row, target: source.target) < next.sourceRow : true
      if isBehind { unsafe pairing.hold(actual: Array(row), uuid) }
      if !isBehind || !source.table.hasRowID {
        if let bytes = expected.row?.bytes { pairing.hold(expected: Array(bytes), next.uuid) }
        _ = try await expected.advance()
      }
      if isBehind { return }
    }
    if let waiting = pairing.takeExpected(uuid) {
      unsafe waiting.withUnsafeBytes { unsafe compare($0, row, uuid, comparison, &found) }
    } else {
      unsafe pairing.hold(actual: Array(row), uuid)
    }
  }

  private func compare(
    _ expected: UnsafeRawBufferPointer, _ actual: UnsafeRawBufferPointer, _ uuid: PostgresUUID,
    _ comparison: RowComparison, _ report: inout VerificationReport
  ) {
    report.compared += 1
    let columns = unsafe comparison.differences(expected: expected, actual: actual)
    guard !columns.isEmpty else { return }
    let row = unsafe CopiedRow(Array(expected)[...], target: source.target)
    report.add(difference(.altered, uuid, row, columns: columns))
  }

  // MARK: - In order

  private func compareInOrder(_ report: inout VerificationReport) async throws {
    var found = report
    try await connection.transaction(.readOnlySnapshot) { connection in
      var expected = try await expectedRows(announces: false)
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
    report.add(
      difference(
        .altered, expected.uuid, CopiedRow(expected.bytes, target: source.target), columns: columns))
  }

  // MARK: - By identity

  private func compareByIdentity(part: Int, of parts: Int, _ report: inout VerificationReport) async throws {
    var found = report
    try await connection.transaction(.readOnlySnapshot) { connection in
      var expected = try await expectedRows(announces: false)
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

  // MARK: - The rows in Postgres

  /// The rows of the source in Postgres.
  private func selection(order: Bool) -> PostgresStatement {
    let columns = source.target.columns.map(PostgresIdentifier.quoted).joined(separator: ", ")
    var statement: PostgresStatement =
      "SELECT \(unsafeSQL: columns) FROM \(identifier: source.target.table) WHERE agent_id = ANY(\(agents)) AND source_id = \(source.sourceID)"
    if order { statement.sql += " ORDER BY source_row" }
    return statement
  }

  /// The same rows as a binary COPY, which takes no parameters: the server itself writes the literal.
  private func literalSelection() async throws -> PostgresStatement {
    let literal = try await connection.queryOne("SELECT quote_literal(\(agents)::text[]::text)")
    let agents = try literal?.decode(0, as: String.self) ?? "'{}'"
    let columns = source.target.columns.map(PostgresIdentifier.quoted).joined(separator: ", ")
    return PostgresStatement(
      sql: """
        COPY (SELECT \(columns), xmin FROM \(source.target.table)
          WHERE agent_id = ANY(\(agents)::text[]) AND source_id = \(source.sourceID)) TO STDOUT (FORMAT binary)
        """)
  }

  // MARK: - Differences

  private func difference(
    _ kind: Difference.Kind, _ uuid: PostgresUUID, _ row: CopiedRow, columns: [String] = []
  ) -> Difference {
    Difference(
      kind: kind, file: source.file.relativePath, table: source.table.name, target: source.target.table,
      id: uuid.description, key: row.legacyID?.text ?? "?", columns: columns)
  }

  /// A row that Postgres does not have; what it is in the end, `settle` decides.
  private func missing(_ row: ExpectedRow) -> MissingRow {
    (row.uuid, difference(.missing, row.uuid, CopiedRow(row.bytes, target: source.target)))
  }

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
