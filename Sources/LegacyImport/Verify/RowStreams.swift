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

/// The rows of a source table that Postgres should hold, in the order of the source. While some are compared, the next are
/// read.
struct ExpectedRows: ~Copyable {
  private let reader: SourceReader
  private let scan: SourceScan
  /// Is told how many rows were read, chunk by chunk.
  private let onRead: (Int) -> Void
  private var chunk: EncodedChunk?
  private var following: Task<EncodedChunk?, any Error>
  private var index = 0
  /// Rows that the importer would reject, so far.
  private(set) var rejected = 0

  private static let most = 5000

  /// What is done with a chunk before its rows are compared.
  private let prepare: (@Sendable (EncodedChunk) async throws -> EncodedChunk)?

  /// Begins with the first row of a table.
  init(
    _ table: LegacySchema.Table, encoder: some RowEncoding, reader: SourceReader,
    onRead: @escaping (Int) -> Void = { _ in },
    prepare: (@Sendable (EncodedChunk) async throws -> EncodedChunk)? = nil
  ) async throws {
    self.reader = reader
    self.onRead = onRead
    self.prepare = prepare
    let scan = try await reader.begin(table, ScanRange(isFresh: true), encoder: encoder, takesDigests: false)
    self.scan = scan
    following = Self.read(scan, of: reader, prepare)
  }

  private static func read(
    _ scan: SourceScan, of reader: SourceReader,
    _ prepare: (@Sendable (EncodedChunk) async throws -> EncodedChunk)?
  ) -> Task<EncodedChunk?, any Error> {
    Task {
      guard let chunk = try await reader.nextChunk(of: scan, most: most) else { return nil }
      return try await prepare?(chunk) ?? chunk
    }
  }

  deinit { following.cancel() }

  /// Goes to the next row.
  ///
  /// - Returns: whether there is one.
  mutating func advance() async throws -> Bool {
    index += 1
    while chunk.map({ index >= $0.rows.count }) ?? true {
      let following = following
      chunk = try await withTaskCancellationHandler(
        operation: { try await following.value }, onCancel: { following.cancel() })
      index = 0
      guard let chunk else { return false }
      self.following = Self.read(scan, of: reader, prepare)
      rejected += chunk.rejects.count
      onRead(chunk.rowsRead)
    }
    return true
  }

  /// The identity of the present row, and its place in the source.
  var identity: (uuid: PostgresUUID, sourceRow: Int64)? {
    guard let chunk, index < chunk.rows.count else { return nil }
    return chunk.rows[index]
  }

  /// Lends the bytes of the present row, as a binary COPY has them.
  func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result? {
    guard let chunk, index < chunk.rows.count else { return nil }
    let end = index + 1 < chunk.starts.count ? chunk.starts[index + 1] : chunk.bytes.count
    return unsafe chunk.bytes.withUnsafeBytes { unsafe body(.init(rebasing: $0[chunk.starts[index]..<end])) }
  }

  /// The present row by itself.
  var row: ExpectedRow? {
    guard let chunk, index < chunk.rows.count else { return nil }
    let row = chunk.rows[index]
    return ExpectedRow(uuid: row.uuid, sourceRow: row.sourceRow, bytes: chunk.bytes(of: index..<index + 1))
  }

  /// Goes to the next row, and answers it; nil after the last.
  mutating func next() async throws -> ExpectedRow? { try await advance() ? row : nil }
}

/// The rows of a query, fetched through a cursor some at a time. Only inside a transaction.
struct CursorRows {
  /// About how many bytes are fetched at once; one row may be more.
  private static let bytes = 4 << 20

  private let connection: PostgresConnection
  /// The most rows that are fetched at once.
  private let most: Int
  /// How many are fetched next: few at first, as nobody knows how large they are. Of few values, each of which becomes a
  /// prepared statement.
  private var batch = 16
  private var rows: PostgresRows?
  private var index = 0

  init(connection: PostgresConnection, batch: Int) {
    self.connection = connection
    most = batch
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
    let rows = try await connection.query(
      PostgresStatement(sql: "FETCH FORWARD \(min(batch, most)) FROM agentbase_rows"))
    if rows.memorySize > Self.bytes {
      batch = max(1, batch / 4)
    } else if rows.memorySize < Self.bytes / 4, batch < most {
      batch *= 4
    }
    return rows.isEmpty ? nil : rows
  }

  /// The next row; nil after the last.
  mutating func next() async throws -> PostgresRow? {
    if rows.map({ index >= $0.count }) ?? true {
      // Not two batches at once.
      rows = nil
      rows = try await nextBatch()
      index = 0
    }
    guard let rows, index < rows.count else { return nil }
    defer { index += 1 }
    return rows[index]
  }
}
