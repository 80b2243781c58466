// Reads one legacy file at one moment, table by table and chunk by chunk.

import AgentBase
import Postgres
import SQLite

/// The snapshot of a legacy file. Lives on a queue of its own; what it hands out are values.
actor SourceReader {
  /// The most bytes that a chunk collects before it is cut; one row may be more.
  static let chunkBytes = 4 << 20

  nonisolated let file: LegacyFile
  private nonisolated let executor: QueueExecutor
  private var opened: (connection: SQLiteConnection, schema: LegacySchema)?
  private var scans: [SourceScan: OpenScan] = [:]
  private var scanCount = 0
  /// The connection that a twin reads with.
  private let handedOver: SQLiteTwin?
  /// The connection of a twin that nobody has asked for yet.
  private var spare: SQLiteTwin?

  nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

  /// A reader of a file, which is opened at the first call.
  init(_ file: LegacyFile) {
    self.init(file, connection: nil)
  }

  private init(_ file: LegacyFile, connection: SQLiteTwin?) {
    self.file = file
    handedOver = connection
    executor = QueueExecutor(label: "agentbase.source")
  }

  // MARK: - The file

  func source() throws(SQLiteError) -> (connection: SQLiteConnection, schema: LegacySchema) {
    if let opened { return opened }
    let connection: SQLiteConnection
    if let handedOver {
      // Another snapshot would be of another moment.
      guard let taken = handedOver.take() else {
        throw SQLiteError(code: .misuse, message: "the twin of a snapshot is opened once", path: file.path)
      }
      connection = taken
    } else {
      (connection, spare) = try SQLiteConnection.snapshotWithTwin(of: file.path)
    }
    let opened = (connection, try LegacySchema(reading: connection))
    if opened.1.isRestored { try RestoredRows.makeList(connection) }
    self.opened = opened
    return opened
  }

  /// A reader of the same file at the same moment, on a queue of its own; this one where the file is read in place.
  func twin() throws(SQLiteError) -> SourceReader {
    _ = try source()
    guard let spare = spare.take() else { return self }
    return SourceReader(file, connection: spare)
  }

  /// Looks for damage in the file's pages, which could hide rows without an error when they are read.
  ///
  /// - Throws: `SQLiteError` of code `corrupt` with the first fault. What only breaks a rule of the schema, as a NULL does where
  ///   none may be, is no damage: it is moved as it is.
  func checkPages() throws(SQLiteError) {
    let (connection, schema) = try source()
    // A CHECK may call a function of the application's own, which this connection does not have.
    try connection.executeScript("PRAGMA ignore_check_constraints = ON")
    do throws(SQLiteError) {
      try checkPages("1", connection)
    } catch  where error.code.primary == .error {
      // An index by a collation of the application's own cannot be opened here: the other tables are checked.
      for table in schema.tables where table.storage != .virtual {
        do throws(SQLiteError) {
          try checkPages(SQLiteIdentifier.quoted(table.table.name), connection)
        } catch  where error.code.primary == .error {
          continue
        }
      }
    }
  }

  private func checkPages(_ part: String, _ connection: SQLiteConnection) throws(SQLiteError) {
    for row in try connection.query("PRAGMA quick_check(\(part))") {
      guard let text = row[0].string, text.hasPrefix("*** in database") else { continue }
      let fault = text.split(separator: "\n").dropFirst().first.map(String.init) ?? text
      throw SQLiteError(code: .corrupt, message: "the file is damaged: \(fault)", path: file.path)
    }
  }

  /// The schema of the file.
  func schema() throws(SQLiteError) -> LegacySchema { try source().schema }

  /// The tables that have rows of their own.
  func tables() throws(SQLiteError) -> [SourceTable] {
    let schema = try source().schema
    // The books of a cut-over are of the file as it is, and of no other.
    return schema.tables.filter {
      $0.storage != .virtual && !LegacySchema.cutoverTables.contains($0.table.name)
    }
    .map { SourceTable(file: file, schema: schema.withoutWrittenTwice($0)) }
  }

  /// How many rows a table has.
  func rowCount(of source: SourceTable) throws(SQLiteError) -> Int { try rowCount(of: source.table.name) }

  /// How many rows the table of that name has.
  func rowCount(of table: String) throws(SQLiteError) -> Int {
    let name = SQLiteIdentifier.quoted(table)
    guard
      case .integer(let count)? = try source().connection.queryOne("SELECT count(*) FROM main.\(name)")?[
        0]
    else { return 0 }
    return Int(count)
  }

  /// The agents whose rows a table holds: its file's, and those that its own column names. Each byte counts, as it does
  /// in Postgres: neither the column's collation nor Swift's equality decides which are the same.
  func agents(of source: SourceTable) throws(SQLiteError) -> [String] {
    guard let place = source.agentColumn else { return [file.agent] }
    var agents: Set = [Array(file.agent.utf8)]
    var statement = try self.source().connection.prepare(source.schema.columnSQL(place))
    while try statement.step() {
      guard let agent = LegacyConversion.text(statement.value(0)), !agent.isEmpty else { continue }
      // The rows of a longer one are rejected.
      if agent.utf8.count <= RowEncoder.longestKey { agents.insert(Array(agent.utf8)) }
    }
    return agents.map { String(decoding: $0, as: UTF8.self) }.sorted()
  }

  /// Reads something else of the file, in the same snapshot.
  func read<Value: Sendable>(
    _ body: @Sendable (SQLiteConnection) throws(SQLiteError) -> Value
  ) throws(SQLiteError) -> Value {
    try body(try source().connection)
  }

  /// The keys and the raw values of rows at these places of a table, all of them in a range.
  func rawRows(
    of table: LegacySchema.Table, at positions: Set<Int64>, within range: ScanRange
  ) throws(SQLiteError) -> [Int64: (key: JSON, values: JSON)] {
    var rows: [Int64: (key: JSON, values: JSON)] = [:]
    var statement = try source().connection.prepare(table.scanSQL(range))
    var ordinal = range.after ?? 0
    while rows.count < positions.count, try statement.step() {
      ordinal += 1
      let position = table.rowIDName == nil ? ordinal : statement.integer(0)
      guard positions.contains(position) else { continue }
      var values = JSONObject()
      for (place, column) in table.table.columns.enumerated() {
        values[column.name] = RawValue.json(statement.value(place + 1))
      }
      let key = table.table.keyColumns.map { place in statement.value(place + 1) }
      rows[position] = (
        LegacyKey(values: key, rowID: table.table.hasRowID ? position : nil).json, .object(values)
      )
    }
    return rows
  }

  /// Closes the file. The snapshot is gone.
  func close() {
    scans = [:]
    opened = nil
    spare = nil
  }

  // MARK: - What is left to do

  /// Compares the rows of a table with the ledger of earlier runs.
  func plan(_ source: SourceTable, ledger: [LedgerLine]) throws -> SourcePlan {
    try plan(source.schema, ledger: ledger)
  }

  /// Compares the rows of a table with the ledger of earlier runs.
  func plan(_ table: LegacySchema.Table, ledger: [LedgerLine]) throws -> SourcePlan {
    guard !ledger.isEmpty else { return SourcePlan(ranges: [ScanRange(isFresh: true)]) }
    var walk = LedgerWalk(lines: ledger)
    var digest = RowDigest()
    var statement = try self.source().connection.prepare(table.scanSQL)
    var ordinal: Int64 = 0
    while try statement.step() {
      try Task.checkCancellation()
      ordinal += 1
      let position = table.rowIDName == nil ? ordinal : statement.integer(0)
      if walk.step(to: position, digest: { digest.finish() }) == .inLine {
        digest.update(statement, position: position)
      }
    }
    walk.finish { digest.finish() }
    return walk.plan
  }

  // MARK: - Rows

  /// Begins to read rows of a table. Several scans may be under way at once, all in the one snapshot.
  ///
  /// - Parameter takesDigests: whether the chunks are for the ledger, which keeps the digests of their raw values.
  func begin(
    _ table: LegacySchema.Table, _ range: ScanRange, encoder: some RowEncoding, takesDigests: Bool
  ) throws(SQLiteError) -> SourceScan {
    scanCount += 1
    let handle = SourceScan(number: scanCount)
    scans[handle] = OpenScan(
      Scan(
        statement: try source().connection.prepare(table.scanSQL(range)), encoder: encoder,
        ordinal: table.rowIDName == nil ? range.after ?? 0 : nil, takesDigests: takesDigests))
    return handle
  }

  /// The next rows of a scan: at most `most`, fewer where they are large; nil after the last.
  func nextChunk(of handle: SourceScan, most: Int) throws -> EncodedChunk? {
    try Task.checkCancellation()
    guard let open = scans[handle] else { return nil }
    let chunk = try open.scan.nextChunk(most: most)
    if chunk == nil { scans[handle] = nil }
    return chunk
  }

  /// Ends a scan before its last row.
  func end(_ handle: SourceScan) { scans[handle] = nil }
}

/// A scan that is under way in a reader.
struct SourceScan: Sendable, Hashable {
  fileprivate let number: Int
}

/// A scan that can be kept in a dictionary. It is taken into use once a chunk, and not once a row.
private final class OpenScan {
  var scan: Scan

  init(_ scan: consuming Scan) { self.scan = scan }
}

/// What the reader knows of a scan.
private struct Scan: ~Copyable {
  private var statement: SQLiteStatement
  private var encoder: any RowEncoding
  /// The place of the last row, counted, where the table has no rowid.
  private var ordinal: Int64?
  private var digest = RowDigest()
  private let takesDigests: Bool
  private var isDone = false

  init(statement: consuming SQLiteStatement, encoder: any RowEncoding, ordinal: Int64?, takesDigests: Bool) {
    self.takesDigests = takesDigests
    self.statement = statement
    self.encoder = encoder
    self.ordinal = ordinal
  }

  mutating func nextChunk(most: Int) throws -> EncodedChunk? {
    var chunk: EncodedChunk?
    // Room for the last row, too: a buffer that grows is twice as large, and there twice while it is copied. What is not written
    // to takes no memory.
    var buffer = PostgresCopyEncoder(capacity: SourceReader.chunkBytes + (256 << 10))
    while !isDone, (chunk?.rowsRead ?? 0) < most, buffer.count < SourceReader.chunkBytes {
      // A statement that is stepped after its last row begins again.
      guard try statement.step() else {
        isDone = true
        break
      }
      ordinal = ordinal.map { $0 + 1 }
      let position = ordinal ?? statement.integer(0)
      if takesDigests { digest.update(statement, position: position) }
      let start = buffer.count
      let outcome = encoder.encode(statement, position: position, into: &buffer)
      var growing = chunk.take() ?? EncodedChunk(firstRow: position, lastRow: position)
      growing.lastRow = position
      switch outcome {
      case .encoded(let uuid, let sourceRow):
        growing.starts.append(start)
        growing.rows.append((uuid, sourceRow))
      case .rejected(let uuid, let key, let reason):
        growing.rejects.append(
          Reject(
            uuid: uuid, sourceRow: key.rowID ?? uuid.row, key: key.json, reason: reason,
            values: encoder.rawValues(of: statement)))
      }
      chunk = growing
    }
    if takesDigests { chunk?.digest = digest.finish() }
    chunk?.bytes = buffer.bytes
    return chunk
  }
}
