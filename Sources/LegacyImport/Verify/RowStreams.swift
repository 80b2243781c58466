// The two sides of a verification, each a row at a time: the source as it would be sent, and the target as it is.

import AgentBase
import Postgres

/// A row of the source, encoded as the import encodes it.
struct ExpectedRow: Sendable {
  let uuid: PostgresUUID
  let sourceRow: Int64
  let bytes: ArraySlice<UInt8>

  /// The row by itself: as it was read, it keeps the whole chunk in memory.
  var detached: ExpectedRow { ExpectedRow(uuid: uuid, sourceRow: sourceRow, bytes: Array(bytes)[...]) }
}

/// The rows of a source table that Postgres should hold, in the order of the source.
struct ExpectedRows {
  private let reader: SourceReader
  /// The time of the migration that most rows carry in their metadata; where it is another, the comparison leaves it out.
  private let migratedAt: String
  /// Is told how many rows were read, chunk by chunk.
  private let onRead: (Int) -> Void
  private var chunk: EncodedChunk?
  private var index = 0
  /// Rows that the importer would reject, so far.
  private(set) var rejected = 0

  init(reader: SourceReader, migratedAt: String, onRead: @escaping (Int) -> Void = { _ in }) {
    self.reader = reader
    self.onRead = onRead
    self.migratedAt = migratedAt
  }

  /// Begins with the first row of a table.
  mutating func begin(_ source: SourceTable, time: LegacyTime, embeddingType: EmbeddingType) async throws {
    try await reader.begin(
      source, ScanRange(isFresh: true), time: time, embeddingType: embeddingType, takesDigests: false)
  }

  /// The next row; nil after the last.
  mutating func next() async throws -> ExpectedRow? {
    while chunk.map({ index >= $0.rows.count }) ?? true {
      chunk = try await reader.nextChunk(most: 5000, migratedAt: migratedAt)
      index = 0
      guard let chunk else { return nil }
      rejected += chunk.rejects.count
      onRead(chunk.rowsRead)
    }
    guard let chunk else { return nil }
    defer { index += 1 }
    let row = chunk.rows[index]
    return ExpectedRow(uuid: row.uuid, sourceRow: row.sourceRow, bytes: chunk.bytes(of: index..<index + 1))
  }
}

/// The rows of a query, fetched through a cursor some at a time. Only inside a transaction.
struct CursorRows {
  private let connection: PostgresConnection
  private let fetch: PostgresStatement
  private var rows: PostgresRows?
  private var index = 0

  init(connection: PostgresConnection, batch: Int) {
    self.connection = connection
    fetch = PostgresStatement(sql: "FETCH FORWARD \(batch) FROM agentbase_rows")
  }

  /// Opens the cursor; one that was open is closed.
  mutating func open(_ statement: PostgresStatement) async throws {
    var declaration = statement
    declaration.sql = "DECLARE agentbase_rows NO SCROLL CURSOR FOR " + statement.sql
    try await connection.execute(declaration)
    rows = nil
    index = 0
  }

  /// The next rows; nil after the last.
  mutating func nextBatch() async throws -> PostgresRows? {
    let rows = try await connection.query(fetch)
    return rows.isEmpty ? nil : rows
  }

  /// The next row; nil after the last.
  mutating func next() async throws -> PostgresRow? {
    if rows.map({ index >= $0.count }) ?? true {
      rows = try await connection.query(fetch)
      index = 0
    }
    guard let rows, index < rows.count else { return nil }
    defer { index += 1 }
    return rows[index]
  }
}
