// Compares every row of a copied table with the row in Postgres, byte for byte in binary form.

import AgentBase
import Postgres

/// The verification of one copied table.
///
/// Both sides are read as they are stored, which is nearly the same order, as the copy loads a table in the order of its
/// places. Where too many rows would have to wait for their partners, both sides are compared by hashes, a part at a time.
struct CopyVerification: Sendable {
  let connection: PostgresConnection
  let copy: TableCopy
  /// Spells values as the server does that are sent as text; nil where the table has none.
  let spelling: TextSpelling?
  /// The rows of the source that stand in `agent_import_rejects`.
  let rejected: Set<PostgresUUID>
  let onEvent: @Sendable (ImportEvent) -> Void

  /// A difference, its row named by its place in the source.
  struct Finding {
    let kind: Difference.Kind
    let position: Int64
    var columns: [String] = []
  }

  /// What was found, before it is told.
  struct Findings {
    var compared = 0
    /// Rows of Postgres that the source does not have: the application's own.
    var beyond = 0
    var altered: [Finding] = []
    var alteredCount = 0
    var missing: [Finding] = []
    /// Rows of a table without a key that are there more often than in the source.
    var repeated = 0

    mutating func addAltered(_ finding: Finding) {
      alteredCount += 1
      if altered.count < VerificationReport.mostDifferences { altered.append(finding) }
    }
  }

  var route: TableRoute { copy.route }

  // MARK: - Comparing

  /// Compares, and adds what it finds.
  func run(into report: inout VerificationReport) async throws {
    var findings: Findings
    do {
      findings = try await pairAll()
      if !findings.missing.isEmpty, route.key != nil {
        // Two equal rows of the source are one in Postgres: which are missing indeed, only all keys together tell.
        findings.missing = try await HashedVerification(verification: self).run().missing
      }
    } catch is TooFarApart {
      findings = try await HashedVerification(verification: self).run()
    }
    try await tell(findings, into: &report)
  }

  struct TooFarApart: Error {}

  /// The rows that Postgres should hold.
  func expectedRows(announces: Bool) async throws -> ExpectedRows {
    let (onEvent, spelling, rejected, route) = (onEvent, spelling, rejected, route)
    let onRead = { (rows: Int) in if announces { onEvent(.advanced(.verifying, rows: rows)) } }
    guard spelling != nil || !rejected.isEmpty else {
      return try await ExpectedRows(route.source, encoder: copy.encoder, reader: copy.reader, onRead: onRead)
    }
    return try await ExpectedRows(
      route.source, encoder: copy.encoder, reader: copy.reader, onRead: onRead
    ) { chunk in
      let chunk = rejected.isEmpty ? chunk : chunk.without(rejected)
      return try await spelling?.spell(chunk, of: route) ?? chunk
    }
  }

  /// All rows of the target, in the order in which they are stored.
  var selection: PostgresStatement {
    let columns = route.columns.map { column in
      let name = PostgresIdentifier.quoted(column.target.name)
      return column.target.type.isSentAsText ? "\(name)::text" : name
    }.joined(separator: ", ")
    return PostgresStatement(
      sql: "COPY (SELECT \(columns) FROM \(route.target.sql)) TO STDOUT (FORMAT binary)")
  }

  private func pairAll() async throws -> Findings {
    var found = Findings()
    try await connection.transaction(.readOnlySnapshot) { connection in
      try await connection.executeScript(TableVerification.asStored)
      var expected = try await expectedRows(announces: true)
      var pairing = RowPairing<[UInt8]>()
      var waiting: [[UInt8]: Int64] = [:]
      var decoder = PostgresCopyDecoder()
      _ = try await expected.advance()
      try await connection.copyOut(selection) { (batch: PostgresCopyBatch) in
        for place in 0..<batch.count {
          guard let row = unsafe try decoder.row(of: batch[place]) else { continue }
          unsafe try await pair(row, &expected, &pairing, &waiting, &found)
        }
        if pairing.isFull { throw TooFarApart() }
      }
      while let identity = expected.identity {
        if let row = expected.row.map({ Array($0.bytes) }) {
          if let actual = pairing.takeActual(key(of: row)) {
            compare(row, actual, identity.sourceRow, &found)
          } else {
            try hold(expected: row, identity.sourceRow, &pairing, &waiting)
          }
        }
        if pairing.isFull { throw TooFarApart() }
        _ = try await expected.advance()
      }
      // Of a table without a key, a row that is left may be one of the source's that is there twice: only counting tells.
      if route.key == nil, !pairing.actual.isEmpty { throw TooFarApart() }
      found.beyond = pairing.actual.count
      found.missing = pairing.expected.keys.compactMap { key in
        waiting[key].map { Finding(kind: .missing, position: $0) }
      }
    }
    return found
  }

  /// Pairs a row of Postgres with its row of the source, or lets both wait that stand against each other.
  private func pair(
    _ row: UnsafeRawBufferPointer, _ expected: inout ExpectedRows, _ pairing: inout RowPairing<[UInt8]>,
    _ waiting: inout [[UInt8]: Int64], _ found: inout Findings
  ) async throws {
    var actual: [UInt8]?
    while let next = expected.identity {
      if unsafe expected.withBytes({ unsafe Self.haveSameBytes($0, row) }) == true {
        found.compared += 1
        _ = try await expected.advance()
        return
      }
      let bytes = unsafe actual ?? Array(row)
      actual = bytes
      let key = key(of: bytes)
      guard let candidate = expected.row.map({ Array($0.bytes) }) else { break }
      let candidateKey = self.key(of: candidate)
      if candidateKey == key {
        compare(candidate, bytes, next.sourceRow, &found)
        _ = try await expected.advance()
        return
      }
      if let partner = pairing.takeExpected(key), let position = waiting.removeValue(forKey: key) {
        return compare(partner, bytes, position, &found)
      }
      if let partner = pairing.takeActual(candidateKey) {
        compare(candidate, partner, next.sourceRow, &found)
        _ = try await expected.advance()
        continue
      }
      try hold(expected: candidate, next.sourceRow, &pairing, &waiting)
      _ = try await expected.advance()
      return try hold(actual: bytes, &pairing)
    }
    let bytes = unsafe actual ?? Array(row)
    let key = key(of: bytes)
    if let partner = pairing.takeExpected(key), let position = waiting.removeValue(forKey: key) {
      compare(partner, bytes, position, &found)
    } else {
      try hold(actual: bytes, &pairing)
    }
  }

  private func hold(
    expected row: [UInt8], _ position: Int64,
    _ pairing: inout RowPairing<[UInt8]>, _ waiting: inout [[UInt8]: Int64]
  ) throws {
    let key = key(of: row)
    // Two rows with one key: one of them was rejected, or nothing tells them from each other.
    guard pairing.expected[key] == nil else { throw TooFarApart() }
    pairing.hold(expected: row, key)
    waiting[key] = position
  }

  private func hold(actual row: [UInt8], _ pairing: inout RowPairing<[UInt8]>) throws {
    let key = key(of: row)
    guard pairing.actual[key] == nil else { throw TooFarApart() }
    pairing.hold(actual: row, key)
  }

  private func compare(
    _ expected: [UInt8], _ actual: [UInt8], _ position: Int64,
    _ found: inout Findings
  ) {
    found.compared += 1
    let columns = differences(expected, actual)
    guard !columns.isEmpty else { return }
    found.addAltered(
      Finding(kind: .altered, position: position, columns: columns))
  }

  // MARK: - Rows

  /// What a row is told by: the fields of the key, or all of it.
  func key(of row: [UInt8]) -> [UInt8] {
    guard let key = route.key else { return row }
    var bytes: [UInt8] = []
    unsafe row.withUnsafeBytes { buffer in
      var fields = unsafe CopiedFields(buffer)
      for column in route.columns {
        let field = unsafe fields.next()
        guard key.columns.contains(column.target.number) else { continue }
        bytes.append(bigEndian: unsafe Int32(field?.count ?? -1))
        if let field = unsafe field { unsafe bytes.append(contentsOf: field) }
      }
    }
    return bytes
  }

  /// The columns in which two rows differ.
  private func differences(_ expected: [UInt8], _ actual: [UInt8]) -> [String] {
    guard expected != actual else { return [] }
    var names: [String] = []
    unsafe expected.withUnsafeBytes { left in
      unsafe actual.withUnsafeBytes { right in
        var lefts = unsafe CopiedFields(left)
        var rights = unsafe CopiedFields(right)
        for column in route.columns {
          let (left, right) = unsafe (lefts.next(), rights.next())
          let isSame =
            if let left = unsafe left, let right = unsafe right {
              unsafe Self.haveSameBytes(left, right)
            } else {
              unsafe left == nil && right == nil
            }
          if !isSame { names.append(column.target.name) }
        }
      }
    }
    return names
  }

  static func haveSameBytes(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
    unsafe RowComparison.haveSameBytes(left, right)
  }

  // MARK: - Telling

  /// Adds what was found to the report.
  private func tell(_ findings: Findings, into report: inout VerificationReport) async throws {
    report.compared += findings.compared
    report.written += findings.beyond
    report.rejected += rejected.count
    let missing = findings.missing.sorted { $0.position < $1.position }
    let room = VerificationReport.mostDifferences - report.differences.count
    let told = (findings.altered + missing).sorted { $0.position < $1.position }.prefix(max(0, room))
    let rows = try await copy.reader.rawRows(
      of: route.source, at: Set(told.map(\.position)), within: ScanRange(isFresh: true))
    let (name, target) = (route.source.table.name, route.target.displayName)
    for finding in told {
      let key = rows[finding.position].map { "\($0.key)" } ?? "\(finding.position)"
      report.add(
        Difference(
          kind: finding.kind, file: copy.reader.file.relativePath, table: name, target: target, id: key,
          key: key,
          columns: finding.columns))
    }
    report.count(findings.alteredCount + missing.count - told.count)
    if findings.repeated > 0 {
      report.add(
        Difference(
          kind: .added, file: copy.reader.file.relativePath, table: name, target: target,
          id: "\(findings.repeated) rows", key: "of the source, there more often than in it", columns: []))
    }
  }
}
